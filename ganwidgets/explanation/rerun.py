"""Recompute a part of a run's past on copies, with all interventions or without some."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from ganwidgets.runs.inspect.substeps import Recorder, SubStep
from ganwidgets.runs.record.interventions import EDIT, is_update
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.copies import restored_aside
from ganwidgets.runs.timeline.travel import SnapshotReplay
from ganwidgets.stepping.engine import NonFiniteError

__all__ = ["EditedError", "Rerun", "place_before"]

Floats = npt.NDArray[np.float64]


def place_before(session: Session, iteration: int) -> Position:
    """Return the position just before full step `iteration` on the current branch, all interventions applied."""
    branches = session.branches
    branch = branches.current
    seq = branches.roots[branches.root_of(branch)].first.seq
    for record in branches.lineage(branch, session.log.everything):
        if record.seq >= seq and record.iteration < iteration:
            seq = record.seq + 1
    return Position(branch, iteration - 1, seq)


class EditedError(Exception):
    """The user edited the networks, which cannot be repeated from another state."""


class _Collector(Recorder):
    """Records the result of each update of a step, and stops none."""

    def _reach(self, stage: str, **found: object) -> None:
        super()._reach(stage, **found)
        assert self.reached is not None
        self.updates[self.reached.network, self.reached.number] = self.reached

    updates: dict[tuple[str, int], SubStep]


class Rerun:
    """Recomputes a run from `place` on.

    Parameters
    ----------
    session : Session
        The run; it does not change.
    place : Position
    without : collection of int
        Numbers of the interventions to leave out.

    Attributes
    ----------
    columns : tuple of str
        The loss of each player.
    """

    def __init__(self, session: Session, place: Position, without: Collection[int] = ()) -> None:
        self._origin = session
        self._log = session.log
        branches = session.branches
        self._root = branches.roots[branches.root_of(place.branch)]
        self._line = [
            record
            for record in branches.lineage(place.branch, session.log.everything)
            if record.seq not in without
        ]
        self._as_it_was = not without
        self.columns = tuple(f"loss_{player.letter}" for player in session.state.game.players)
        self._restore(place)

    def _restore(self, place: Position) -> None:
        """Restore the run's state at `place`."""
        self._made, snapshot = restored_aside(self._origin, place)
        self._settings, self._place = dict(snapshot.settings), place
        self.state = self._made.run.state

    def go(self, place: Position) -> None:
        """Advance to `place`, a position on the run's path.

        Raises
        ------
        EditedError
            If the networks were edited on the way and an intervention is left out: the stored edit does not apply.
        """
        edited = any(
            record.setting == EDIT and self._place.seq <= record.seq < place.seq for record in self._line
        )
        if edited and not self._as_it_was:
            raise EditedError
        if edited:
            self._restore(place)
            return
        repeated = 0
        if self._place.seq and is_update((last := self._log.everything[self._place.seq - 1]).setting):
            repeated = last.new
        here = Snapshot(self._place, repeated, self._settings, {}, None)
        replay = SnapshotReplay(self._made.run, self._root, here)
        with self._made.pinned():
            replay.go_on(self._line, self._log, place)
        self._settings, self._place = dict(replay.settings), place

    def step(self, iteration: int) -> dict[str, float]:
        """Carry out full step `iteration` and return its losses."""
        before = place_before(self._origin, iteration)
        self.go(before)
        self.go(Position(before.branch, iteration, before.seq))
        record = self._made.run.engine.record
        return {name: record[name] for name in self.columns}

    def observed_step(self, iteration: int) -> list[SubStep]:
        """Carry out full step `iteration` and return the result of each update."""
        self.go(place_before(self._origin, iteration))
        engine = self._made.run.engine
        ordinary = engine.observer
        collector = _Collector(engine, self._made.run.shown, wanted=-1)
        collector.updates = {}
        engine.observer = collector
        try:
            self.step(iteration)
        finally:
            engine.observer = ordinary
        return list(collector.updates.values())

    def losses(self, first: int, last: int) -> dict[str, Floats]:
        """Return the losses of iterations `first` to `last`, recomputed from here.

        They are NaN from the first non-finite number or edit by hand on.
        """
        found = {name: np.full(last - first + 1, np.nan) for name in self.columns}
        for row, iteration in enumerate(range(first, last + 1)):
            try:
                losses = self.step(iteration)
            except (NonFiniteError, EditedError):
                break
            for name, value in losses.items():
                found[name][row] = value
        return found

    def skip_batches(self, samples: int) -> None:
        """Shift the data cursor, so that the next update draws the real samples `samples` further on."""
        self._as_it_was = False
        for stream in self.state.cursors:
            self.state.cursors[stream] += samples
