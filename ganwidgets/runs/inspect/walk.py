"""A walk through one step, sub-step by sub-step, forward and back, by real computation.

A sub-step carries out the step itself, on the run's own networks and data, up to the end of one stage, and undoes it
at once. So the run is unchanged between two sub-steps. Advancing after the last sub-step carries the step out, and
records it, like any other step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from ganwidgets.errors import DivergedError
from ganwidgets.messages import Message
from ganwidgets.runs.inspect.substeps import FarEnough, Recorder, SubStep
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.runs.session.rehearsal import rehearsing
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.hashing import digest
from ganwidgets.stepping.engine import ALL, NonFiniteError

__all__ = ["Walk"]

T = TypeVar("T")


class BetweenSteps(Protocol):
    """Runs a function between two steps and returns its result."""

    def __call__(self, function: Callable[[], T], /) -> T:
        """Run `function`."""


class Walk:
    """A walk through one step of a run; :meth:`GANTrainer.walk` begins one.

    The walk ends without effect as soon as the state of the run differs from that at its beginning: after a step, a
    change of a setting, a reset, time travel, or a loaded state. Reading or saving the run does not end it.

    Parameters
    ----------
    session : Session
        The run.
    on_training_thread : callable
        Carries out a function between two steps.
    what : str
        ``"both"`` for a full step, or the name of a player for an update of it.
    origin : Origin
        Origin of the step in the log of interventions.

    Attributes
    ----------
    here : SubStep or None
        Current sub-step; None before the first.
    began : str
        Hash of the state at the beginning of the walk.
    """

    def __init__(self, session: Session, on_training_thread: BetweenSteps, what: str, origin: Origin) -> None:
        known = (ALL, *(player.name for player in session.state.game.players))
        if what not in known:
            raise ValueError(
                Message(
                    "network cannot be {value!r}: it must be one of {names}",
                    value=what,
                    names=", ".join(known),
                )
            )
        self.what = what
        self._session = session
        self._between_steps = on_training_thread
        self._origin = origin
        self._known: list[SubStep] = []
        self._at = -1
        self._left = False
        self.began = on_training_thread(lambda: digest(session.tree()))

    @property
    def here(self) -> SubStep | None:
        """Current sub-step; None before the first."""
        return self._known[self._at] if self._at >= 0 else None

    @property
    def over(self) -> bool:
        """True if the walk has ended: the user left it, its step was completed, or the run changed otherwise."""
        return self._between_steps(self._ended)

    def _ended(self) -> bool:
        self._left = self._left or digest(self._session.tree()) != self.began
        return self._left

    def next(self) -> SubStep | None:
        """Advance to the next sub-step and return it.

        Returns
        -------
        SubStep or None
            None after the last one: the step has then been carried out, and the walk is over.

        Raises
        ------
        RuntimeError
            If the walk is over.
        DivergedError
            If a number would not be finite; the walk stays where it was.
        """
        return self._between_steps(self._next)

    def back(self) -> SubStep | None:
        """Go back by one sub-step and return it; None before the first.

        Raises
        ------
        RuntimeError
            If the walk is over.
        """
        return self._between_steps(self._back)

    def finish(self) -> None:
        """Complete the step from any sub-step; the walk is then over.

        Raises
        ------
        RuntimeError
            If the walk is over.
        DivergedError
            If a number is not finite; see :meth:`GANTrainer.step`.
        """
        self._between_steps(self._finish)

    def leave(self) -> None:
        """End the walk; the run has not changed."""
        self._left = True

    # --- between two steps ----------------------------------------------------------------------

    def _next(self) -> SubStep | None:
        self._refuse_if_over()
        if self._at + 1 == len(self._known):
            found = self._rehearsed(self._at + 1)
            if found is None:
                self._finish()
                return None
            self._known.append(found)
        self._at += 1
        return self.here

    def _back(self) -> SubStep | None:
        self._refuse_if_over()
        self._at = max(self._at - 1, -1)
        return self.here

    def _finish(self) -> None:
        self._refuse_if_over()
        self._left = True
        self._session.updates.advance(self.what, 1, lambda: True, self._origin)
        self._session.autosave.pause()

    def _rehearsed(self, wanted: int) -> SubStep | None:
        """Return sub-step `wanted`, or None if the step has fewer."""
        with rehearsing(self._session) as engine:
            recorder = Recorder(engine, self._session.run.shown, wanted)
            engine.observer = recorder
            try:
                engine.advance(self.what, measure=False)
            except FarEnough:
                return recorder.reached
            except NonFiniteError as error:
                raise DivergedError(
                    Message(
                        "{quantity} would be {value} in this step; leave the walk and lower lr_d or lr_g, or reset",
                        quantity=error.quantity,
                        value=str(error.value),
                    ),
                    self._session.state.iteration,
                ) from None
            return None

    def _refuse_if_over(self) -> None:
        if self._ended():
            raise RuntimeError(
                Message(
                    "this walk is over, because the run has changed or it was left; begin another with walk()"
                )
            )

    def __repr__(self) -> str:
        here = self.here
        place = "before the first sub-step" if here is None else f"{here.network}, {here.stage}"
        return f"<Walk through {self.what}: {place}>"
