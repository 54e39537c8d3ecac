"""The thread that trains, and what it does with each command.

Between two steps the thread does what was asked in the meantime, one command after the other, in
the order in which they were sent. A command to step is carried out as a whole before the next one
is looked at, so that a script means what it says; what is *urgent* comes before everything: a
pause, the movement of a person's hand on a control, and looks that change nothing. No lock is held
while a step is computed or a command carried out.

The thread knows this module's :class:`Core` only, never the :class:`~ganwidgets.live.Runner` that
others hold, so that a runner nobody holds any more is collected, which ends its thread.
"""

from __future__ import annotations

import atexit
import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import DivergedError
from ..messages import Message
from ..runs.session import Origin
from .commands import (
    Call,
    Change,
    Close,
    Command,
    LookInside,
    Pause,
    Play,
    Recover,
    Reset,
    Step,
    Travel,
    Visit,
    Walk,
)
from .inbox import CLOSED, Inbox
from .pacing import Metronome, StepRate
from .state import Event, Kind, RunState, Status

if TYPE_CHECKING:
    from ..runs import walk as trainer_walk
    from ..runs.substeps import SubStep
    from ..trainer import GANTrainer

__all__ = ["POLL", "Core", "Listener", "Listeners"]

T = TypeVar("T")

Listener = Callable[[Event], None]

SLICE = 0.005
"""Seconds after which the thread that trains looks up, tells how things stand, and goes on."""

POLL = 0.2
"""Seconds for which a thread waits at most before it can hear an interrupt, on every system."""

EXIT_PATIENCE = 5.0
"""Seconds for which the interpreter's exit waits for a step to end."""

AT_ONCE = 1_000_000
"""Steps asked of the trainer at a time where there is no end to them."""

logger = logging.getLogger("ganwidgets")


class Listeners(list[Listener]):
    """Who hears of events; held by a `Runner`, so that listeners can be collected with it."""


class Core:
    """The thread, its queue, and how things stand.

    Parameters
    ----------
    trainer : GANTrainer
        What is trained; no other thread touches it until the thread has ended.
    listeners : Listeners
        Who hears of events; not kept alive.
    """

    def __init__(self, trainer: GANTrainer, listeners: Listeners) -> None:
        self.trainer = trainer
        self.inbox = Inbox()
        self.metronome = Metronome()
        self.closing = False
        self._listeners = weakref.ref(listeners)
        # What follows belongs to the thread that trains; others see `state`.
        self._playing = False
        self._until: int | None = None
        self._job: Step | None = None
        self._ending: list[Close] = []
        self._telling = False
        self._error: BaseException | None = None
        self._started = trainer.iteration > 0
        self._record: Mapping[str, float] = MappingProxyType(
            trainer.history.record() if self._started else {}
        )
        self._changes = 0
        self._moves = 0
        self._walk: trainer_walk.Walk | None = None
        self._walked_at = (0, 0)
        self._rate = StepRate()
        self._publish()
        self._thread = threading.Thread(target=self._run, name="ganwidgets-runner", daemon=True)
        trainer._attach(self.call, self.route)
        _LIVE.add(self)
        self._thread.start()

    # --- from any thread ------------------------------------------------------------------------

    @property
    def inside(self) -> bool:
        """Whether the current thread is the one that trains."""
        return threading.current_thread() is self._thread

    @property
    def alive(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread.is_alive()

    def call(self, function: Callable[[], T], *, looks_only: bool = False) -> T:
        """Return what `function` returns, or raise what it raises, between two steps."""
        command = Call(function, looks_only)
        with self.inbox.lock:
            queued = not (self.inbox.closed or self.inside)
            if queued:
                self.inbox.send(command, urgent=looks_only)
        if not queued:
            return function()
        future = command.future
        try:
            while not future.done():
                try:
                    future.exception(POLL)
                except TimeoutError:
                    continue
        except BaseException:
            future.cancel()  # it is left out, unless it has begun
            raise
        answer: T = future.result()
        return answer

    def route(self, values: dict[str, Any], reason: str) -> bool:
        """Queue a plain assignment to the trainer's settings; False on the thread that trains."""
        with self.inbox.lock:
            if self.inbox.closed or self.inside:
                return False
            self.inbox.send(Change(values, Origin("cell", "code", reason)))
            return True

    def wait(self, iteration: int | None, timeout: float | None) -> None:
        """Return once what was sent is through and `iteration` reached; see :meth:`Runner.wait`."""
        end = None if timeout is None else time.monotonic() + timeout
        inbox = self.inbox
        with inbox.lock:
            ticket = inbox.last_ticket
            while not self._over(iteration, ticket):
                left = POLL if end is None else min(POLL, end - time.monotonic())
                if left <= 0:
                    raise TimeoutError(
                        Message(
                            "after {timeout:g} s the run stands at iteration {iteration} and goes on; "
                            "wait longer, or pause it",
                            timeout=timeout,
                            iteration=self.state.iteration,
                        )
                    )
                inbox.news.wait(left)

    def _over(self, iteration: int | None, ticket: int) -> bool:
        state = self.state
        if self._telling or self.inbox.unanswered(ticket):
            return False
        if iteration is not None and state.iteration >= iteration:
            return True
        if state.status == "running" or self.inbox.unanswered():
            return False
        if state.error is not None:
            raise state.error
        if iteration is None:
            return True
        raise RuntimeError(
            Message(
                "the run is paused at iteration {iteration}, so it will not reach {wanted}; call "
                "play() first",
                iteration=state.iteration,
                wanted=iteration,
            )
        )

    def stop(self, *, at_exit: bool = False) -> None:
        """Let the thread end after the current step; does not wait for it."""
        with self.inbox.lock:
            self.closing = True
            if not self.inbox.closed:
                self.inbox.send(Close(at_exit), urgent=True)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.alive and (end is None or time.monotonic() < end):
            self._thread.join(POLL)

    # --- the thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._turn():
                pass
            self.trainer._stop()
        except BaseException as error:
            logger.exception("the thread that trains has ended")
            self._error = error
        finally:
            self._playing, self._job = False, None
            self.closing = True
            self._refuse(self.inbox.close(), RuntimeError(CLOSED))
            self.trainer._attach(None, None)
            self._publish()
            self._refuse(self._ending, None)

    def _turn(self) -> bool:
        """Carry out one command, or train for a moment; False where the thread is to end."""
        command = self.inbox.take(in_order=self._job is None, rest=self._rest)
        playing, job = self._playing, self._job
        if command is not None:
            try:
                self._carry_out(command)
            finally:
                self.inbox.answered()
        elif self._ending:
            return not self.inbox.close_if_empty()
        else:
            self._train()
        if playing and not self._playing:
            self.trainer._stop()
        elif job is not None and self._job is None:
            self.trainer._pause()
        return True

    def _rest(self) -> float | None:
        """Return for how many seconds there is nothing to do; None until a command comes."""
        if self._ending or self._job is not None:
            return 0.0
        return self.metronome.delay(time.monotonic()) if self._playing else None

    def _train(self) -> None:
        """Take steps until a command arrives, a moment has passed, or they are done."""
        job = self._job
        begun = time.monotonic()
        end = begun + SLICE
        steps = 0

        def interrupted() -> bool:
            nonlocal steps
            steps += 1
            return self.inbox.pressing(in_order=job is None) or time.monotonic() >= end

        try:
            if job is not None:
                record = self.trainer._advance(job.network, job.n - job.done, interrupted, job.origin)
            else:
                n = AT_ONCE if self._until is None else self._until - self.trainer.iteration
                due = self.metronome.due(begun)
                record = self.trainer._advance("both", n if due is None else min(n, due), interrupted)
        except BaseException as error:  # noqa: BLE001 - whatever a network raises is a state
            if job is not None:
                job.done += steps
            self._fail(error)
            return
        self._started = True
        self._moves += steps
        self._record = MappingProxyType(dict(record))
        self._rate.note(time.monotonic(), steps)
        if job is None:
            self.metronome.ticked(begun, steps)
            if self._arrive():
                self._announce("state")
            else:
                self._publish()
            return
        job.done += steps
        if job.done < job.n:
            self._publish()
        else:
            self._end_job()

    def _end_job(self, error: BaseException | None = None) -> None:
        job, self._job = self._job, None
        if job is not None:
            self._arrive()
            self._answer(job, "step", steps=job.done, error=error)

    def _arrive(self) -> bool:
        """Stop playing where its end is reached; return whether it is."""
        arrived = self._playing and self._until is not None and self.trainer.iteration >= self._until
        self._playing = self._playing and not arrived
        return arrived

    def _fail(self, error: BaseException) -> None:
        """Pause because of `error`; what was to train on is left out, all else is still done."""
        self._error = error
        self._playing = False
        self._moves += 1
        left = self.inbox.withdraw(Play, Step, ticket=self.inbox.last_ticket)
        if self._job is None:
            self._announce("state", error=error)
        self._end_job(error)
        self._refuse(left, error)

    def _refuse(self, commands: Iterable[Command], error: BaseException | None) -> None:
        """Answer commands that are not carried out."""
        for command in commands:
            if not isinstance(command, Call):
                asked = command.values if isinstance(command, Change) else {}
                self._answer(command, _KINDS[type(command)], asked=asked, error=error)
            elif command.future.set_running_or_notify_cancel():
                command.future.set_exception(error)

    # --- the commands ---------------------------------------------------------------------------

    def _carry_out(self, command: Command) -> None:
        match command:
            case Call():
                self._carry_out_call(command)
            case Change():
                self._carry_out_change(command)
            case Step():
                self._carry_out_step(command)
            case Play():
                self._carry_out_play(command)
            case Reset() | Recover():
                self._carry_out_return(command)
            case Travel():
                self._carry_out_travel(command)
            case LookInside() | Walk():
                self._carry_out_walk(command)
            case Pause() | Close():
                self._carry_out_stop(command)

    def _carry_out_call(self, command: Call) -> None:
        future, trainer = command.future, self.trainer
        if not future.set_running_or_notify_cancel():
            return
        iteration, stood = trainer.iteration, self._stood()
        before = {} if command.looks_only else trainer.settings.as_dict()
        failure: BaseException | None = None
        try:
            answer = command.function()
        except BaseException as error:  # noqa: BLE001 - it belongs to the caller
            failure = error
        changes = self._changes_since(before)
        travelled = self._stood() != stood
        moved = trainer.iteration != iteration or travelled
        self._moves += not command.looks_only
        if travelled:
            self._arrive_elsewhere()
        elif moved:
            self._record = self._recorded()
        if isinstance(failure, DivergedError):
            self._fail(failure)
        elif failure is None and moved:
            self._error = None
        if changes or moved:
            self._started = trainer.iteration > 0 if travelled else self._started or moved
            self._arrive()
            self._announce("state", changes=changes)
        elif not command.looks_only:
            self._publish()
        # Last, so that the caller finds the state as the call left it.
        if failure is None:
            future.set_result(answer)
        else:
            future.set_exception(failure)

    def _carry_out_change(self, command: Change) -> None:
        origin = command.origin
        before = {name: getattr(self.trainer.settings, name) for name in command.values}
        refusal: Exception | None = None
        try:
            self.trainer._put(
                command.values, author=origin.author, source=origin.source, reason=origin.reason
            )
        except Exception as error:  # noqa: BLE001 - the answer says why; the run goes on
            refusal = error
        changes = self._changes_since(before)
        self._answer(command, "change", asked=command.values, changes=changes, error=refusal)

    def _carry_out_step(self, command: Step) -> None:
        if self._ending or command.n == 0:
            self._answer(command, "step")
            return
        self._error = None
        self._job = command
        if not self._playing:
            self._rate.begin(time.monotonic())
        self._publish()

    def _carry_out_play(self, command: Play) -> None:
        if not self._ending:
            self._error = None
            self._until = command.until
            if not self._playing:
                self._rate.begin(time.monotonic())
            self._playing = True
            self._arrive()
        self._answer(command, "play")

    def _carry_out_return(self, command: Reset | Recover) -> None:
        """Stop, and stand elsewhere: at a fresh start, or at the last good state."""
        self._playing = False
        self._moves += 1
        before = self.trainer.settings.as_dict()
        self._error = None
        try:
            if isinstance(command, Recover):
                self.trainer._recover()
            else:
                origin = command.origin
                self.trainer._reset(command.seed, author=origin.author, source=origin.source)
                self._started = False
                self._record = MappingProxyType({})
        except Exception as error:  # noqa: BLE001 - the answer says why, and so does the state
            self._error = error
        changes = self._changes_since(before)
        self._answer(command, _KINDS[type(command)], changes=changes, error=self._error)

    def _carry_out_travel(self, command: Travel) -> None:
        """Stand elsewhere, unless it was only to look around and the next journey waits already."""
        if isinstance(command, Visit) and self.inbox.holds(Travel):
            self._answer(command, "travel")
            return
        before = self.trainer.settings.as_dict()
        refusal: Exception | None = None
        try:
            command.journey()
        except Exception as error:  # noqa: BLE001 - the answer says why; the run stands where it was
            refusal = error
        else:
            self._error = None
            self._arrive_elsewhere()
        self._answer(command, "travel", changes=self._changes_since(before), error=refusal)

    def _carry_out_walk(self, command: LookInside | Walk) -> None:
        """Stand at another sub-step of the next step; what a walk did to the run was done before."""
        refusal: Exception | None = None
        try:
            if isinstance(command, LookInside):
                self._walk = self.trainer._walk(command.network, command.origin)
                self._walked_at = self._moves, self._changes
                self._walk.next()
            elif self._walk is not None:
                getattr(self._walk, command.move)()
        except Exception as error:  # noqa: BLE001 - the answer says why; the run stands where it was
            refusal = error
        if self._walk is not None and self._walk.over:
            before, self._walk = self._walk.began, None
            if self.trainer.state_hash() != before:
                self._error = None
                self._started = True
                self._moves += 1
                self._record = MappingProxyType(self.trainer._session.record())
        self._answer(command, "walk", error=refusal)

    def _where_walked(self) -> SubStep | None:
        """Return where a walk stands; one that the run has gone away from is over."""
        if self._walk is None:
            return None
        now = self._moves, self._changes
        if now != self._walked_at:
            self._walked_at = now
            if self._walk.over:
                self._walk = None
                return None
        return self._walk.here

    def _stood(self) -> tuple[int, bool]:
        """Return on which branch the run stands, and whether where that ends."""
        timeline = self.trainer.timeline
        return timeline.place.branch, timeline.at_tip

    def _arrive_elsewhere(self) -> None:
        """Pause, because the run stands at another place of its past or on another branch."""
        self._playing = False
        self._moves += 1
        self._started = self.trainer.iteration > 0
        self._record = self._recorded()

    def _recorded(self) -> Mapping[str, float]:
        """Return the numbers of the last updates, as far as they are known: a loaded state has no history."""
        known = self.trainer.history.record() if self.trainer.iteration else {}
        return MappingProxyType({name: value for name, value in known.items() if not math.isnan(value)})

    def _carry_out_stop(self, command: Pause | Close) -> None:
        """Let nothing train that was asked for before."""
        self._playing = False
        self._end_job()
        self._refuse(self.inbox.withdraw(Play, Step, ticket=command.ticket), None)
        if isinstance(command, Pause):
            self._answer(command, "pause")
            return
        self._ending.append(command)  # answered when all is over
        if command.at_exit:
            self._refuse(self.inbox.empty(), RuntimeError(CLOSED))

    def _changes_since(self, before: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Return the settings that are no longer as `before`, with their values then and now."""
        settings = self.trainer.settings
        now = {name: getattr(settings, name) for name in before}
        changes = {name: (old, now[name]) for name, old in before.items() if not _same(old, now[name])}
        self._changes += len(changes)
        return changes

    # --- what others see ------------------------------------------------------------------------

    def _status(self) -> Status:
        if self._error is not None:
            return "diverged" if isinstance(self._error, DivergedError) else "error"
        if self._playing or self._job is not None:
            return "running"
        return "paused" if self._started else "idle"

    def _publish(self) -> None:
        """Make known how things stand, and wake whoever waits for it."""
        if not self._playing and self._job is None:
            self._rate.stop()
        self.state = RunState(
            status=self._status(),
            playing=self._playing,
            iteration=self.trainer.iteration,
            steps_per_second=self._rate.value,
            record=self._record,
            error=self._error,
            changes=self._changes,
            moves=self._moves,
            walk=self._where_walked(),
        )
        with self.inbox.lock:
            self.inbox.news.notify_all()

    def _answer(self, command: Command, kind: Kind, **about: Any) -> None:
        """Tell the listeners what became of `command`."""
        self._announce(kind, ticket=command.ticket, **about)

    def _announce(self, kind: Kind, **about: Any) -> None:
        """Tell the listeners that something happened; only then does whoever waits go on."""
        self._telling = True
        self._publish()
        listeners = self._listeners() or ()
        if listeners:
            event = Event(kind, self.state, waiting=self.inbox.to_be_set(), **about)
            for listener in list(listeners):
                try:
                    listener(event)
                except Exception:
                    logger.exception("a listener failed; the run goes on")
        self._telling = False
        with self.inbox.lock:
            self.inbox.news.notify_all()


_KINDS: dict[type[Command], Kind] = {
    Play: "play",
    Pause: "pause",
    Step: "step",
    Reset: "reset",
    Recover: "recover",
    Travel: "travel",
    Visit: "travel",
    LookInside: "walk",
    Walk: "walk",
    Change: "change",
    Close: "close",
}


def _same(one: Any, other: Any) -> bool:
    """Return whether a setting is unchanged; data that is no name is compared as an object."""
    if one is other:
        return True
    plain = (str, int, float, tuple)
    return isinstance(one, plain) and isinstance(other, plain) and one == other


_LIVE: weakref.WeakSet[Core] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """End every thread before the interpreter takes torch away from under it."""
    cores = list(_LIVE)
    for core in cores:
        core.stop(at_exit=True)
    end = time.monotonic() + EXIT_PATIENCE
    for core in cores:
        core.join(max(0.0, end - time.monotonic()))
