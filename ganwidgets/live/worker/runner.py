"""The runner queues commands of users and publishes their results."""

from __future__ import annotations

import math
import numbers
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ganwidgets.live.worker.commands import (
    Change,
    Move,
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
from ganwidgets.live.worker.run_state import RunState
from ganwidgets.live.worker.worker import Listener, Listeners, Worker
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import CODE, Origin
from ganwidgets.settings import SETTINGS
from ganwidgets.stepping.engine import ALL
from ganwidgets.validation import checked_callable, checked_timeout

if TYPE_CHECKING:
    from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["Runner", "runners"]

T = TypeVar("T")


class Runner:
    """Trains in its own thread, and executes commands between any two steps.

    While it is open, the trainer may be used from any thread: each call runs in the runner's thread between two steps.
    All methods may be called from any thread and return at once, except :meth:`call`, :meth:`look`, :meth:`wait` and
    :meth:`close`. Methods that queue a command return its ticket; the :class:`~ganwidgets.live.Event` with the answer
    has the same ticket.

    The thread ends on :meth:`close`, when the interpreter exits, and when the runner is garbage-collected (listeners do
    not keep it alive).

    Parameters
    ----------
    trainer : GANTrainer
        The trainer; it may have one runner at a time.

    Attributes
    ----------
    shown_by : WeakSet
        The widgets that show this run. Closing the last one ends the thread.

    Raises
    ------
    RuntimeError
        If the trainer has a runner; see :meth:`of`.
    """

    def __init__(self, trainer: GANTrainer) -> None:
        with _LOCK:
            if _living(trainer) is not None:
                raise RuntimeError(
                    Message("this trainer already has a runner; Runner.of(trainer) returns it")
                )
            self.trainer = trainer
            self._listeners = Listeners()
            self.shown_by: weakref.WeakSet[Any] = weakref.WeakSet()
            self._worker = Worker(trainer, self._listeners)
            _RUNNERS[trainer] = weakref.ref(self._worker), weakref.ref(self)
        # All threads are stopped together, and joined, when the interpreter exits.
        weakref.finalize(self, self._worker.stop).atexit = False

    @classmethod
    def of(cls, trainer: GANTrainer) -> Runner:
        """Return the runner of `trainer`, a new one if it has none; all its widgets share it."""
        while True:
            with _LOCK:
                worker = _living(trainer)
                if worker is None:
                    return cls(trainer)
                runner = _RUNNERS[trainer][1]()
                if runner is not None and not worker.closing:
                    return runner
            worker.join()

    # --- commands -------------------------------------------------------------------------------

    def play(self, until: int | None = None) -> int:
        """Train until `until` iterations are reached or the run is paused."""
        return self._worker.inbox.send(Play(None if until is None else _whole("until", until)))

    def pause(self) -> int:
        """Stop after the current step; cancel earlier commands to step and play."""
        return self._worker.inbox.send(Pause(), urgent=True)

    def step(self, n: int = 1, network: str = "both", origin: Origin = CODE) -> int:
        """Carry out `n` full steps, or `n` updates of one network, before later commands."""
        known = (ALL, *self.trainer.players)
        if network not in known:
            raise ValueError(
                Message(
                    "network cannot be {value!r}: it must be one of {names}",
                    value=network,
                    names=", ".join(known),
                )
            )
        return self._worker.inbox.send(Step(_whole("n", n), network, origin))

    def look_inside(self, network: str = "both", origin: Origin = CODE) -> int:
        """Pause, and begin a walk through the next step; see :meth:`ganwidgets.GANTrainer.walk`.

        :attr:`RunState.walk` has its current sub-step. Any other change of the run ends it.
        """
        inbox = self._worker.inbox
        with inbox.lock:
            inbox.send(Pause(), urgent=True)
            return inbox.send(StartWalk(network, origin))

    def walk(self, move: Move) -> int:
        """Advance to the ``"next"`` sub-step, ``"back"``, ``"finish"`` the step, or ``"leave"`` it."""
        return self._worker.inbox.send(Walk(move))

    def reset(self, seed: int | None = None, origin: Origin = CODE) -> int:
        """Stop, and start afresh with the current settings; a seed must be a valid setting."""
        if seed is not None:
            seed = SETTINGS["seed"].check(seed)
        return self._worker.inbox.send(Reset(seed, origin))

    def recover(self) -> int:
        """Stop, and restore the last good state; settings are kept."""
        return self._worker.inbox.send(Recover())

    def goto(self, iteration: int) -> int:
        """Pause, and travel to `iteration` on the current branch."""
        return self._travel(ScrubTo(partial(self.trainer.timeline.goto, iteration)))

    def switch(self, branch: str) -> int:
        """Pause, and switch to another branch's last state."""
        return self._travel(TravelTo(partial(self.trainer.timeline.switch, branch)))

    def fork(self, name: str) -> int:
        """Pause, and begin a branch of that name at the current state."""
        return self._travel(TravelTo(partial(self.trainer.timeline.fork, name)))

    def undo(self, seq: int | None = None) -> int:
        """Pause, and travel to just before an intervention, by default the last."""
        return self._travel(TravelTo(partial(self.trainer.timeline.undo, seq)))

    def go(self, journey: Callable[[], None]) -> int:
        """Pause, and call `journey`, which travels."""
        return self._travel(TravelTo(journey))

    def _travel(self, command: TravelTo) -> int:
        inbox = self._worker.inbox
        with inbox.lock:
            inbox.send(Pause(), urgent=True)
            return inbox.send(command)

    def change(self, values: Mapping[str, Any], origin: Origin = CODE, *, urgent: bool = False) -> int:
        """Set several settings at once; on any error none of them changes.

        Parameters
        ----------
        values : mapping
            Settings by name, already validated. The event reports values that are refused nevertheless.
        origin : Origin
            Author and reason for the log of interventions.
        urgent : bool
            Apply it before the next step even during a command to step, as for a moved control; otherwise after all
            earlier commands.
        """
        command = Change(dict(values), origin)
        return self._worker.inbox.send(command, urgent=urgent)

    @property
    def speed(self) -> float:
        """Maximum steps per second while playing; 0 for no limit."""
        return self._worker.metronome.speed

    @speed.setter
    def speed(self, value: float) -> None:
        self._worker.metronome.speed = _rate(value)
        self._worker.inbox.wake()

    # --- calls that block -----------------------------------------------------------------------

    def call(self, closure: Callable[[], T]) -> T:
        """Return the result of `closure`; it runs after all earlier commands, between two steps.

        On the runner's own thread, and after the runner was closed, it runs at once in the caller's thread. If the
        caller is interrupted while waiting, `closure` is cancelled unless it has begun.

        Raises
        ------
        BaseException
            Any exception of `closure`.
        """
        return self._worker.call(closure)

    def look(self, closure: Callable[[], T]) -> T:
        """Like :meth:`call`, but before the next step: for a closure that changes nothing."""
        return self._worker.call(closure, looks_only=True)

    def wait(self, iteration: int | None = None, timeout: float | None = None) -> None:
        """Wait until `iteration` is reached; if omitted, until nothing is queued or playing.

        All earlier commands are carried out first. Listeners are notified before this returns.

        Parameters
        ----------
        iteration : int, optional
            Full steps since the start of the run.
        timeout : float, optional
            Seconds.

        Raises
        ------
        Exception
            What stopped the run: :class:`~ganwidgets.DivergedError`, or an exception of a network or the data.
        TimeoutError
            If the time is over.
        RuntimeError
            If the run is paused before `iteration`, or on the runner's own thread.
        """
        self.refuse_inside()
        self._worker.wait(
            None if iteration is None else _whole("iteration", iteration), checked_timeout(timeout)
        )

    @property
    def inside(self) -> bool:
        """True on the training thread."""
        return self._worker.inside

    def refuse_inside(self) -> None:
        """Raise `RuntimeError` on the runner's own thread, which cannot wait for itself."""
        if self._worker.inside:
            raise RuntimeError(
                Message("this would wait for itself here, in the thread that trains; return instead")
            )

    def close(self) -> None:
        """End the thread after the current step; the trainer is headless again.

        Earlier commands are answered first: changes and calls are carried out, steps are not.
        """
        self._worker.stop()
        if not self._worker.inside:
            self._worker.join()

    # --- state ----------------------------------------------------------------------------------

    @property
    def state(self) -> RunState:
        """State of the run, at most a few milliseconds old."""
        return self._worker.state

    @property
    def active(self) -> bool:
        """True while it trains, and while a command to train waits."""
        return self.state.status == "running" or self._worker.inbox.is_to_train()

    @property
    def closed(self) -> bool:
        """True if the runner was closed, or is closing."""
        return self._worker.closing

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event, on the runner's thread; it must return quickly.

        Returns
        -------
        callable
            Removes the listener.
        """
        listeners = self._listeners
        listeners.append(checked_callable("listener", listener))

        def unsubscribe() -> None:
            if listener in listeners:
                listeners.remove(listener)

        return unsubscribe

    def __repr__(self) -> str:
        state = self.state
        return f"<Runner {state.status} at iteration {state.iteration}>"


_LOCK = threading.RLock()
_RUNNERS: weakref.WeakKeyDictionary[GANTrainer, tuple[weakref.ref[Worker], weakref.ref[Runner]]] = (
    weakref.WeakKeyDictionary()
)


def runners() -> list[Runner]:
    """Return every runner whose thread has not ended."""
    with _LOCK:
        known = [(worker(), runner()) for worker, runner in list(_RUNNERS.values())]
    return [runner for worker, runner in known if worker is not None and runner is not None and worker.alive]


def _living(trainer: GANTrainer) -> Worker | None:
    """Return the worker of `trainer` whose thread has not ended, or None."""
    worker = _RUNNERS[trainer][0]() if trainer in _RUNNERS else None
    return worker if worker is not None and worker.alive else None


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
        raise ValueError(
            Message("{name} cannot be {value!r}: it must be a whole number from 0 on", name=name, value=value)
        )
    return int(value)


def _rate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= float(value) < math.inf:
        raise ValueError(Message("speed cannot be {value!r}: it must be a number from 0 on", value=value))
    return float(value)
