"""Status of a run, kept by the training thread and published to others."""

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
    """Progress, latest values and error of a run; used only by the training thread.

    Parameters
    ----------
    trainer : GANTrainer
        The trainer.

    Attributes
    ----------
    playing : bool
        True while playing.
    until : int or None
        The iteration at which playing ends.
    job : Step or None
        The current command to step.
    error : BaseException or None
        What stopped the run.
    started : bool
        True if anything has run.
    record : mapping of str to float
        Values of the last updates.
    moves : int
        Increases whenever the networks may have changed.
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

    def to_publish(self) -> RunState:
        """Return the state to publish."""
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
        """Clear the error that stopped the run, because it will train again."""
        self.error = None
        if not self.playing:
            self.rate.begin(time.monotonic())

    def arrive(self) -> bool:
        """Stop playing at its end; return True if it is reached."""
        arrived = self.playing and self.until is not None and self._trainer.iteration >= self.until
        self.playing = self.playing and not arrived
        return arrived

    # --- travel ---------------------------------------------------------------------------------

    def place(self) -> tuple[int, bool]:
        """Return the current branch, and True if the run is at its tip."""
        timeline = self._trainer.timeline
        return timeline.place.branch, timeline.at_tip

    def arrive_elsewhere(self) -> None:
        """Pause, because the run travelled to another place or branch."""
        self.playing = False
        self.moves += 1
        self.started = self._trainer.iteration > 0
        self.record = self.recorded()

    def recorded(self) -> Mapping[str, float]:
        """Return the values of the last updates, if known: a loaded state has no history."""
        known = self._trainer.history.record() if self._trainer.iteration else {}
        return MappingProxyType({name: value for name, value in known.items() if not math.isnan(value)})

    # --- settings -------------------------------------------------------------------------------

    def changes_since(self, before: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Return the settings that differ from `before`, with their old and new values."""
        settings = self._trainer.settings
        now = {name: getattr(settings, name) for name in before}
        changes = {name: (old, now[name]) for name, old in before.items() if not _same(old, now[name])}
        self._changes += len(changes)
        return changes

    # --- inside a step --------------------------------------------------------------------------

    @property
    def _walk(self) -> trainer_walk.Walk | None:
        """The latest walk, begun by a button or by code."""
        return vars(self._trainer).get("_walking")

    def _forget_walk(self) -> None:
        vars(self._trainer).pop("_walking", None)

    def walk(self, command: StartWalk | Walk) -> None:
        """Move to another sub-step of the next step."""
        if isinstance(command, StartWalk):
            walk = self._trainer._walk(command.network, command.origin)
            self._walked_at = self.moves, self._changes
            walk.next()
        elif self._walk is not None:
            getattr(self._walk, command.move)()

    def end_walk(self) -> None:
        """Drop a finished walk; if it completed the step, the run has moved."""
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
        """Return the sub-step of the current walk; end the walk if the run has changed otherwise."""
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
    """Return True if a setting is unchanged; data without a name is compared by identity."""
    if one is other:
        return True
    plain = (str, int, float, tuple)
    return isinstance(one, plain) and isinstance(other, plain) and one == other
