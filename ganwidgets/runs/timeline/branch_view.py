"""Immutable views of a run's branches, for drawing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ganwidgets.networks.progressive import GrowingNetwork
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.record.notes import notes_on
from ganwidgets.runs.record.places import Branch, Position
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.travel import tip_of
from ganwidgets.settings import SETTINGS, Setting

__all__ = ["BranchView", "TimelineView", "TimelineViewer", "past_of"]


@dataclass(frozen=True)
class BranchView:
    """One branch, for drawing the tree.

    Attributes
    ----------
    id : int
    name : str
    parent : int or None
        The branch that it left; None for a branch that begins with another state.
    first, last : int
        Its first and last iteration.
    """

    id: int
    name: str
    parent: int | None
    first: int
    last: int


@dataclass(frozen=True)
class TimelineView:
    """Everything that can be returned to.

    Attributes
    ----------
    branches : tuple of BranchView
        In order of creation.
    interventions : tuple of Intervention
        On all branches.
    led_here : tuple of Intervention
        Those since the fresh start before the current state.
    branch : int
        The current branch.
    iteration : int
        Where on it.
    at_tip : bool
        True if the next step prolongs the branch; in its past, a step begins another branch.
    first : int
        The earliest iteration that can be returned to on this branch.
    lineage : frozenset of int
        The branches that led here, this one included.
    notes : tuple of (int, str)
        Iterations up to the current one, and the user's notes there.
    definitions : mapping
        Of the settings of the run.
    unlocked : tuple of (int, int)
        Iterations since which another resolution of a progressive network takes part, and its side in pixels.
    """

    branches: tuple[BranchView, ...]
    interventions: tuple[Intervention, ...]
    led_here: tuple[Intervention, ...]
    branch: int
    iteration: int
    at_tip: bool
    first: int
    lineage: frozenset[int]
    definitions: Mapping[str, Setting[Any]] = field(default_factory=lambda: SETTINGS)
    notes: tuple[tuple[int, str], ...] = ()
    unlocked: tuple[tuple[int, int], ...] = ()

    @property
    def current(self) -> BranchView:
        """The current branch."""
        return self.branches[self.branch]

    @property
    def last(self) -> int:
        """The last iteration of any branch."""
        return max(branch_view.last for branch_view in self.branches)


class TimelineViewer:
    """Produces views of a run repeatedly, at the cost of new events only.

    Parameters
    ----------
    session : Session
        The run.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stamp: tuple[object, ...] = ()
        self._interventions: tuple[Intervention, ...] = ()
        self._lineage: list[int] = []
        self._led: tuple[Intervention, ...] = ()
        self._since_start: tuple[Intervention, ...] = ()
        self._drawn: tuple[object, ...] = ()
        self._limbs: tuple[BranchView, ...] = ()
        self._ancestors: frozenset[int] = frozenset()

    def now(self) -> TimelineView:
        """Return the current view of the timeline; call this between two steps."""
        session = self._session
        state, place = session.state, session.place
        limbs_changed = self._draw_limbs(place)
        log_changed = self._read_log()
        if limbs_changed or log_changed:
            # Everything before the fresh start comes before everything after it.
            begin = bisect_left(self._led, True, key=lambda record: record.branch in self._ancestors)
            self._since_start = self._led[begin:]
        provisional = session.log.provisional(state.iteration, state.samples_seen)
        asked = tuple(record for record in provisional if record.branch in self._ancestors)
        return TimelineView(
            branches=self._limbs,
            interventions=self._interventions,
            led_here=self._since_start + asked,
            branch=place.branch,
            iteration=place.iteration,
            at_tip=session.branches.at_tip,
            first=self._limbs[place.branch].first,
            lineage=self._ancestors,
            notes=tuple(
                (note.iteration, note.text)
                for note in notes_on(session.notes, session.branches, place.branch, place.iteration)
            ),
            definitions=session.settings.definitions,
            unlocked=self._unlockings(),
        )

    def _unlockings(self) -> tuple[tuple[int, int], ...]:
        """Return the iterations at which resolutions joined, to a precision of ten, that of the level column."""
        session = self._session
        generator = session.state.networks.get("generator")
        if not isinstance(generator, GrowingNetwork) or not session.history.rows:
            return ()
        levels = session.history["level"]
        known = np.flatnonzero(np.isfinite(levels))
        finest = np.ceil(levels[known]).astype(int)
        joined = np.flatnonzero(np.diff(finest, prepend=0) > 0)
        return tuple((int(known[at]) + 1, generator.start << int(finest[at])) for at in joined)

    def _draw_limbs(self, place: Position) -> bool:
        """Update the branches; return True if more than the current iteration has changed."""
        branches = self._session.branches
        drawn = branches.by_id, branches.tips, place.branch
        if not _same(drawn, self._drawn):
            self._drawn = drawn
            self._limbs = tuple(self._limb(branch) for branch in branches.by_id.values())
            branch_view, ancestors = self._limbs[place.branch], [place.branch]
            while branch_view.parent is not None:
                branch_view = self._limbs[branch_view.parent]
                ancestors.append(branch_view.id)
            self._ancestors = frozenset(ancestors)
            return True
        branch_view = self._limbs[place.branch]
        if branches.at_tip and branch_view.last != place.iteration:
            grown = replace(branch_view, last=place.iteration)
            self._limbs = (*self._limbs[: branch_view.id], grown, *self._limbs[branch_view.id + 1 :])
        return False

    def _limb(self, branch: Branch) -> BranchView:
        session = self._session
        branches = session.branches
        forked = branch.origin == "fork"
        if forked and branch.start is not None:
            first = branch.start.iteration
        else:
            first = branches.roots[branches.root_of(branch.id)].first.iteration
        return BranchView(
            id=branch.id,
            name=branch.name,
            parent=branch.parent if forked else None,
            first=first,
            last=tip_of(session, branch.id).iteration,
        )

    def _read_log(self) -> bool:
        """Update the interventions; return True if any has changed."""
        log = self._session.log
        stamp = log.stamp
        if _same(stamp, self._stamp):
            return False
        records, lineage = log.everything, log.lineage
        known = len(self._lineage)
        if lineage[:known] != self._lineage:
            known = 0
        # Updates of one network in a row grow the last record, which another one then replaces.
        while known and records[lineage[known - 1]] is not self._led[known - 1]:
            known -= 1
        self._led = (*self._led[:known], *(records[seq] for seq in lineage[known:]))
        self._interventions, self._lineage, self._stamp = tuple(records), lineage, stamp
        return True


def _same(ones: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return len(ones) == len(others) and all(one is other for one, other in zip(ones, others, strict=True))


def past_of(session: Session) -> TimelineView:
    """Return the current view of a run's timeline; call this between two steps."""
    return TimelineViewer(session).now()
