"""The training thread and its commands.

Between two steps the thread carries out the commands sent meanwhile, in sending order. A command to step completes
before the next command, so that scripts run in order. *Urgent* commands come first: a pause, a moved control, and calls
that change nothing. No lock is held while a step is computed or a command runs.

The thread references only this module's :class:`Worker`, never the :class:`~ganwidgets.live.Runner`. So a runner
without references is collected, which ends its thread.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ganwidgets.errors import DivergedError
from ganwidgets.live.pacing import Metronome
from ganwidgets.live.worker.command_queue import CLOSED, Inbox
from ganwidgets.live.worker.commands import (
    Call,
    Change,
    Close,
    Command,
    Pause,
    Play,
    Recover,
    Reset,
    ScrubTo,
    StartWalk,
    Step,
    TravelTo,
    Walk,
)
from ganwidgets.live.worker.run_state import Event, Kind
from ganwidgets.live.worker.shutdown import end_at_exit
from ganwidgets.live.worker.status import WorkerStatus
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.stepping.engine import ALL

if TYPE_CHECKING:
    from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["POLL", "Listener", "Listeners", "Worker"]

T = TypeVar("T")

Listener = Callable[[Event], None]

SLICE = 0.005
"""Seconds after which the training thread publishes its state and continues."""

POLL = 0.2
"""Maximum seconds that a thread waits at a time, so that interrupts arrive on every system."""

AT_ONCE = 1_000_000
"""Number of steps per call of the trainer while playing without an end."""

logger = logging.getLogger("ganwidgets")


class Listeners(list[Listener]):
    """Listeners of events; owned by a `Runner`, so that they can be collected with it."""


class Worker:
    """The training thread, its queue, and its state.

    Parameters
    ----------
    trainer : GANTrainer
        The trainer; no other thread touches it until the thread has ended.
    listeners : Listeners
        Listeners of events; referenced weakly.
    """

    def __init__(self, trainer: GANTrainer, listeners: Listeners) -> None:
        self.trainer = trainer
        self.inbox = Inbox()
        self.metronome = Metronome()
        self.closing = False
        self._listeners = weakref.ref(listeners)
        # The following attributes belong to the training thread; other threads read `state`.
        self._status = WorkerStatus(trainer)
        self._trained: tuple[bool, Step | None] = False, None
        self._ending: list[Close] = []
        self._notifying = False
        self._publish()
        self._thread = threading.Thread(target=self._run, name="ganwidgets-runner", daemon=True)
        trainer._attach(self.call, self.route)
        end_at_exit(self)
        self._thread.start()

    # --- from any thread ------------------------------------------------------------------------

    @property
    def inside(self) -> bool:
        """True on the training thread."""
        return threading.current_thread() is self._thread

    @property
    def alive(self) -> bool:
        """True if the thread has not ended."""
        return self._thread.is_alive()

    def call(self, function: Callable[[], T], *, looks_only: bool = False) -> T:
        """Return the result of `function`, called between two steps, or raise its exception."""
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
            future.cancel()  # cancelled unless it has begun
            raise
        answer: T = future.result()
        return answer

    def route(self, values: dict[str, Any], reason: str) -> bool:
        """Queue an assignment to the trainer's settings; return False on the training thread."""
        with self.inbox.lock:
            if self.inbox.closed or self.inside:
                return False
            self.inbox.send(Change(values, replace(CODE, reason=reason)))
            return True

    def wait(self, iteration: int | None, timeout: float | None) -> None:
        """Return once all earlier commands are done and `iteration` is reached; see :meth:`Runner.wait`."""
        end = None if timeout is None else time.monotonic() + timeout
        inbox = self.inbox
        with inbox.lock:
            ticket = inbox.last_ticket
            while not self._over(iteration, ticket):
                left = POLL if end is None else min(POLL, end - time.monotonic())
                if left <= 0:
                    raise TimeoutError(
                        Message(
                            "after {timeout:g} s the run is at iteration {iteration} and continues; "
                            "wait longer, or pause it",
                            timeout=timeout,
                            iteration=self.state.iteration,
                        )
                    )
                inbox.news.wait(left)

    def _over(self, iteration: int | None, ticket: int) -> bool:
        state = self.state
        if self._notifying or self.inbox.unanswered(ticket):
            return False
        arrived = iteration is not None and state.iteration >= iteration
        if not arrived and (state.status == "running" or self.inbox.unanswered()):
            return False
        if not arrived and state.error is not None:
            raise state.error
        if arrived or iteration is None:
            if state.unstored is not None:
                raise state.unstored
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
        """End the thread after the current step; does not wait for it."""
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
            self.trainer._session.autosave.save()
        except BaseException as error:
            logger.exception("the thread that trains has ended")
            self._status.error = error
        finally:
            self._status.playing, self._status.job = False, None
            self._trained = False, None  # it was stored above if possible
            self.closing = True
            self._refuse(self.inbox.close(), RuntimeError(CLOSED))
            self.trainer._attach(None, None)
            self._publish()
            self._refuse(self._ending, None)

    def _turn(self) -> bool:
        """Carry out one command, or train for up to `SLICE` seconds; return False if the thread must end."""
        command = self.inbox.take(in_order=self._status.job is None, rest=self._rest)
        if command is not None:
            try:
                self._carry_out(command)
            finally:
                self.inbox.answered()
        elif self._ending:
            return not self.inbox.close_if_empty()
        elif self._status.playing or self._status.job is not None:
            self._train()
        else:
            self.trainer._session.autosave.save()  # retry what could not be stored
            self._publish()
        return True

    def _rest(self) -> float | None:
        """Return the idle seconds; None until a command comes."""
        if self._ending or self._status.job is not None:
            return 0.0
        if self._status.playing:
            return self.metronome.delay(time.monotonic())
        return self.trainer._session.autosave.retry_in()

    def _train(self) -> None:
        """Train until a command arrives, `SLICE` seconds have passed, or the steps are done."""
        job = self._status.job
        begun = time.monotonic()
        end = begun + SLICE
        steps = 0

        def interrupted() -> bool:
            nonlocal steps
            steps += 1
            return self.inbox.pressing(in_order=job is None) or time.monotonic() >= end

        piloted = vars(self.trainer).get("_autopilot") is not None
        before = self.trainer.settings.as_dict() if piloted else {}
        try:
            if job is not None:
                record = self.trainer._advance(job.network, job.n - job.done, interrupted, job.origin)
            else:
                n = AT_ONCE if self._status.until is None else self._status.until - self.trainer.iteration
                due = self.metronome.due(begun)
                record = self.trainer._advance(ALL, n if due is None else min(n, due), interrupted, CODE)
        except BaseException as error:  # noqa: BLE001 - any exception of a network becomes part of the state
            if job is not None:
                job.done += steps
            self._fail(error)
            return
        self._status.started = True
        self._status.moves += steps
        self._status.record = MappingProxyType(dict(record))
        self._status.rate.note(time.monotonic(), steps)
        if changes := self._status.changes_since(before):  # by rules
            self._notify("state", changes=changes)
        if job is None:
            self.metronome.ticked(begun, steps)
            if self._status.arrive():
                self._notify("state")
            else:
                self._publish()
            return
        job.done += steps
        if job.done < job.n:
            self._publish()
        else:
            self._end_job()

    def _end_job(self, error: BaseException | None = None) -> None:
        job, self._status.job = self._status.job, None
        if job is not None:
            self._status.arrive()
            self._acknowledge(job, steps=job.done, error=error)

    def _fail(self, error: BaseException) -> None:
        """Pause because of `error`; cancel commands to train, keep all others."""
        self._status.error = error
        self._status.playing = False
        self._status.moves += 1
        left = self.inbox.withdraw(Play, Step, ticket=self.inbox.last_ticket)
        if self._status.job is None:
            self._notify("state", error=error)
        self._end_job(error)
        self._refuse(left, error)

    def _refuse(self, commands: Iterable[Command], error: BaseException | None) -> None:
        """Answer cancelled commands."""
        for command in commands:
            if not isinstance(command, Call):
                asked = command.values if isinstance(command, Change) else {}
                self._acknowledge(command, asked=asked, error=error)
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
            case TravelTo():
                self._carry_out_travel(command)
            case StartWalk() | Walk():
                self._carry_out_walk(command)
            case Pause() | Close():
                self._carry_out_stop(command)

    def _carry_out_call(self, command: Call) -> None:
        future, trainer = command.future, self.trainer
        if not future.set_running_or_notify_cancel():
            return
        iteration, place = trainer.iteration, self._status.place()
        before = {} if command.looks_only else trainer.settings.as_dict()
        failure: BaseException | None = None
        try:
            answer = command.function()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failure = error
        changes = self._status.changes_since(before)
        travelled = self._status.place() != place
        moved = trainer.iteration != iteration or travelled
        self._status.moves += not command.looks_only
        if travelled:
            self._status.arrive_elsewhere()
        elif moved:
            self._status.record = self._status.recorded()
        if isinstance(failure, DivergedError):
            self._fail(failure)
        elif failure is None and moved:
            self._status.error = None
        if changes or moved:
            self._status.started = trainer.iteration > 0 if travelled else self._status.started or moved
            self._status.arrive()
            self._notify("state", changes=changes)
        elif not command.looks_only:
            walked = self._status.where_walked() is not self.state.walk  # from code
            self._notify("walk") if walked else self._publish()
        # Last, so that the caller finds the state that the call left.
        if failure is None:
            future.set_result(answer)
        else:
            future.set_exception(failure)

    def _carry_out_change(self, command: Change) -> None:
        before = {name: getattr(self.trainer.settings, name) for name in command.values}
        refusal: Exception | None = None
        try:
            self.trainer._session.change(command.values, command.origin)
        except Exception as error:  # noqa: BLE001 - the event contains it; the run continues
            refusal = error
        changes = self._status.changes_since(before)
        self._acknowledge(command, asked=command.values, changes=changes, error=refusal)

    def _carry_out_step(self, command: Step) -> None:
        if self._ending or command.n == 0:
            self._acknowledge(command)
            return
        self._status.go_on()
        self._status.job = command
        self._publish()

    def _carry_out_play(self, command: Play) -> None:
        if not self._ending:
            self._status.go_on()
            self._status.until = command.until
            self._status.playing = True
            self._status.arrive()
        self._acknowledge(command)

    def _carry_out_return(self, command: Reset | Recover) -> None:
        """Stop, and move the run: to a fresh start, or to the last good state."""
        self._status.playing = False
        self._status.moves += 1
        before = self.trainer.settings.as_dict()
        self._status.error = None
        notice = ""
        try:
            if isinstance(command, Recover):
                notice = self.trainer._recovery.recover()
                if notice:
                    self._status.arrive_elsewhere()
            else:
                self.trainer._session.reset(command.seed, command.origin)
                self._status.started = False
                self._status.record = MappingProxyType({})
        except Exception as error:  # noqa: BLE001 - the event and the state contain it
            self._status.error = error
        changes = self._status.changes_since(before)
        self._acknowledge(command, changes=changes, error=self._status.error, notice=notice)

    def _carry_out_travel(self, command: TravelTo) -> None:
        """Travel, unless the command is from a drag and a later journey waits."""
        if isinstance(command, ScrubTo) and self.inbox.holds(TravelTo):
            self._acknowledge(command)
            return
        before = self.trainer.settings.as_dict()
        refusal: Exception | None = None
        try:
            command.journey()
        except Exception as error:  # noqa: BLE001 - the event contains it; the run has not moved
            refusal = error
        else:
            self._status.error = None
            self._status.arrive_elsewhere()
        self._acknowledge(command, changes=self._status.changes_since(before), error=refusal)

    def _carry_out_walk(self, command: StartWalk | Walk) -> None:
        """Move to another sub-step of the next step."""
        refusal: Exception | None = None
        try:
            self._status.walk(command)
        except Exception as error:  # noqa: BLE001 - the event contains it; the run has not moved
            refusal = error
        self._status.end_walk()
        self._acknowledge(command, error=refusal)

    def _carry_out_stop(self, command: Pause | Close) -> None:
        """Cancel all earlier commands to train."""
        self._status.playing = False
        self._end_job()
        self._refuse(self.inbox.withdraw(Play, Step, ticket=command.ticket), None)
        if isinstance(command, Pause):
            self._acknowledge(command)
            return
        self._ending.append(command)  # answered at the end
        if command.at_exit:
            self._refuse(self.inbox.empty(), RuntimeError(CLOSED))

    # --- publishing -----------------------------------------------------------------------------

    def _publish(self) -> None:
        """Publish the state, and wake waiting threads."""
        self._store()
        self.state = self._status.to_publish()
        with self.inbox.lock:
            self.inbox.news.notify_all()

    def _store(self) -> None:
        """Store the run when training has just ended, so that waiting threads learn whether it is stored."""
        playing, job = self._trained
        self._trained = self._status.playing, self._status.job
        if playing and not self._status.playing:
            self.trainer._session.autosave.save()
        elif job is not None and self._status.job is not job:
            self.trainer._session.autosave.pause()

    def _acknowledge(self, command: Command, **about: Any) -> None:
        """Notify the listeners of the result of `command`."""
        self._notify(command.kind, ticket=command.ticket, **about)

    def _notify(self, kind: Kind, **about: Any) -> None:
        """Notify the listeners of an event, before waiting threads continue."""
        self._notifying = True
        self._publish()
        listeners = self._listeners() or ()
        if listeners:
            event = Event(kind, self.state, waiting=self.inbox.to_be_set(), **about)
            for listener in list(listeners):
                try:
                    listener(event)
                except Exception:
                    logger.exception("a listener failed; the run goes on")
        self._notifying = False
        with self.inbox.lock:
            self.inbox.news.notify_all()
