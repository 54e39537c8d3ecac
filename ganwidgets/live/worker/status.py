"""How a run stands, as the thread that trains knows it, and tells everybody else."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ganwidgets.errors import DivergedError
from ganwidgets.live.pacing import StepRate
from ganwidgets.live.worker.commands import StartWalk, Step, Walk
from ganwidgets.live.worker.run_state import RunState, Status

if TYPE_CHECKING:
    from ganwidgets.runs.inspect import walk as trainer_walk
    from ganwidgets.runs.inspect.substeps import SubStep
    from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["WorkerStatus"]


class WorkerStatus:
    """What trains, how far, with what numbers, and what stopped it; belongs to the thread that trains.

    Parameters
    ----------
    trainer : GANTrainer
        What is trained.

    Attributes
    ----------
    playing : bool
        Whether steps follow one another.
    until : int or None
        The iteration at which they end.
    job : Step or None
        The command to step that is being carried out.
    error : BaseException or None
        What stopped the run.
    started : bool
        Whether anything has run.
    record : mapping of str to float
        The numbers of the last updates.
    moves : int
        Grows whenever the networks may have changed.
    rate : StepRate
    """

    def __init__(self, trainer: GANTrainer) -> None:
        self._trainer = trainer
        self.playing = False
        self.until: int | None = None
        self.job: Step | None = None
        self.error: BaseException | None = None
        self.started = trainer.iteration > 0
        self.record: Mapping[str, float] = MappingProxyType(trainer.history.record() if self.started else {})
        self.moves = 0
        self.rate = StepRate()
        self._changes = 0
        self._walked_at = (0, 0)

    def told(self) -> RunState:
        """Return what everybody may know."""
        if not self.playing and self.job is None:
            self.rate.stop()
        return RunState(
            status=self._status(),
            playing=self.playing,
            iteration=self._trainer.iteration,
            steps_per_second=self.rate.value,
            record=self.record,
            error=self.error,
            changes=self._changes,
            moves=self.moves,
            unstored=self._trainer._session.autosave.fault,
            walk=self.where_walked(),
        )

    def _status(self) -> Status:
        if self.error is not None:
            return "diverged" if isinstance(self.error, DivergedError) else "error"
        if self.playing or self.job is not None:
            return "running"
        return "paused" if self.started else "idle"

    # --- training -------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Leave behind what stopped the run, because it is to train."""
        self.error = None
        if not self.playing:
            self.rate.begin(time.monotonic())

    def arrive(self) -> bool:
        """Stop playing where its end is reached; return whether it is."""
        arrived = self.playing and self.until is not None and self._trainer.iteration >= self.until
        self.playing = self.playing and not arrived
        return arrived

    # --- elsewhere ------------------------------------------------------------------------------

    def place(self) -> tuple[int, bool]:
        """Return on which branch the run stands, and whether where that ends."""
        timeline = self._trainer.timeline
        return timeline.place.branch, timeline.at_tip

    def arrive_elsewhere(self) -> None:
        """Pause, because the run stands at another place of its past or on another branch."""
        self.playing = False
        self.moves += 1
        self.started = self._trainer.iteration > 0
        self.record = self.recorded()

    def recorded(self) -> Mapping[str, float]:
        """Return the numbers of the last updates, as far as they are known: a loaded state has no history."""
        known = self._trainer.history.record() if self._trainer.iteration else {}
        return MappingProxyType({name: value for name, value in known.items() if not math.isnan(value)})

    # --- settings -------------------------------------------------------------------------------

    def changes_since(self, before: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Return the settings that are no longer as `before`, with their values then and now."""
        settings = self._trainer.settings
        now = {name: getattr(settings, name) for name in before}
        changes = {name: (old, now[name]) for name, old in before.items() if not _same(old, now[name])}
        self._changes += len(changes)
        return changes

    # --- inside a step --------------------------------------------------------------------------

    @property
    def _walk(self) -> trainer_walk.Walk | None:
        """The walk that was begun last, by a button or from code."""
        return vars(self._trainer).get("_walking")

    def _forget_walk(self) -> None:
        vars(self._trainer).pop("_walking", None)

    def walk(self, command: StartWalk | Walk) -> None:
        """Stand at another sub-step of the next step."""
        if isinstance(command, StartWalk):
            walk = self._trainer._walk(command.network, command.origin)
            self._walked_at = self.moves, self._changes
            walk.next()
        elif self._walk is not None:
            getattr(self._walk, command.move)()

    def end_walk(self) -> None:
        """Forget a walk that is over; where it carried the step out, the run has moved."""
        walk = self._walk
        if walk is None or not walk.over:
            return
        self._forget_walk()
        if self._trainer.state_hash() != walk.began:
            self.error = None
            self.started = True
            self.moves += 1
            self.record = MappingProxyType(self._trainer._session.record())

    def where_walked(self) -> SubStep | None:
        """Return the sub-step of the current walk; a walk that the run has gone away from is over."""
        walk = self._walk
        if walk is None:
            return None
        now = self.moves, self._changes
        if now != self._walked_at:
            self._walked_at = now
            if walk.over:
                self._forget_walk()
                return None
        return walk.here


def _same(one: Any, other: Any) -> bool:
    """Return whether a setting is unchanged; data that is no name is compared as an object."""
    if one is other:
        return True
    plain = (str, int, float, tuple)
    return isinstance(one, plain) and isinstance(other, plain) and one == other
