"""A stretch of a run's past carried out again on copies, as it was or without something."""

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
from ganwidgets.stepping.ambient import pinned
from ganwidgets.stepping.engine import NonFiniteError

__all__ = ["EditedError", "Rerun", "place_before"]

Floats = npt.NDArray[np.float64]


def place_before(session: Session, iteration: int) -> Position:
    """Return the place just before full step number `iteration` on the current branch, all interventions obeyed."""
    branches = session.branches
    branch = branches.current
    seq = branches.roots[branches.root_of(branch)].first.seq
    for record in branches.lineage(branch, session.log.everything):
        if record.seq >= seq and record.iteration < iteration:
            seq = record.seq + 1
    return Position(branch, iteration - 1, seq)


class EditedError(Exception):
    """The networks were changed by hand, which cannot be repeated from another state."""


class _Collector(Recorder):
    """Keeps what each update of a step came to, and breaks none off."""

    def _reach(self, stage: str, **found: object) -> None:
        super()._reach(stage, **found)
        assert self.reached is not None
        self.updates[self.reached.network, self.reached.number] = self.reached

    updates: dict[tuple[str, int], SubStep]


class Rerun:
    """Carries out again what a run did, from `place` on.

    Parameters
    ----------
    session : Session
        The run, of which nothing changes.
    place : Position
    without : collection of int
        The numbers of interventions that are left out.

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
        """Stand at `place` as the run did."""
        self._made, snapshot = restored_aside(self._origin, place)
        self._settings, self._place = dict(snapshot.settings), place
        self.state = self._made.run.state

    def go(self, place: Position) -> None:
        """Go on to `place`, which is on the way that the run went.

        Raises
        ------
        EditedError
            If the networks were changed by hand on the way, and something is left out: only that snapshot leads on.
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
        with pinned(self._made.run.threads, self._made._device):
            replay.go_on(self._line, self._log, place)
        self._settings, self._place = dict(replay.settings), place

    def step(self, iteration: int) -> dict[str, float]:
        """Carry out full step number `iteration`, and return its losses."""
        before = place_before(self._origin, iteration)
        self.go(before)
        self.go(Position(before.branch, iteration, before.seq))
        record = self._made.run.engine.record
        return {name: record[name] for name in self.columns}

    def observed_step(self, iteration: int) -> list[SubStep]:
        """Carry out full step number `iteration`, and return what each of its updates came to."""
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
        """Return the losses of iterations `first` to `last`, carried out from here.

        They are NaN from where a number is not finite, or networks were changed by hand.
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
        """Let the next update draw the real samples that come `samples` later."""
        self._as_it_was = False
        for stream in self.state.cursors:
            self.state.cursors[stream] += samples
