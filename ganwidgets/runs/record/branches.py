"""Branches of a run."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganwidgets.data import Source
from ganwidgets.messages import Message
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.record.places import Beginning, Branch, Position
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.stepping.assembly import Assembled

__all__ = ["LONGEST_NAME", "BranchStart", "Branches", "RunPoint", "Tip"]


LONGEST_NAME = 100
"""Maximum number of letters in the name of a new branch."""

_JOINERS = "\u200c\u200d"
"""Invisible letters that scripts and emoji need."""


@dataclass(frozen=True)
class BranchStart:
    """First state of a branch that does not continue from its parent's state.

    Attributes
    ----------
    first : Position
        Its place.
    built : mapping
        Values of the settings that take effect at a fresh start.
    settings : mapping
        Values of all settings.
    source : Source
        Source of its real samples.
    threads : int
        Number of threads.
    """

    first: Position
    built: Mapping[str, Any]
    settings: Mapping[str, Any]
    source: Source
    threads: int


@dataclass(frozen=True)
class Tip:
    """Tip of a branch: the state, and the history of all its iterations."""

    snapshot: Snapshot
    history: History


@dataclass(frozen=True)
class RunPoint:
    """Everything that differs between two places of a run.

    Attributes
    ----------
    run : Assembled
        The parts made by the fresh start before this place.
    built : mapping
        The values of the settings that this fresh start was made with.
    snapshot : Snapshot
        The state, and the settings.
    lineage : list of int
        The interventions that led here.
    history : History
        The numbers of the iterations that led here.
    branch : int
    tips : dict of int to Tip
        As in :class:`Branches`.
    """

    run: Assembled
    built: Mapping[str, Any]
    snapshot: Snapshot
    lineage: list[int]
    history: History
    branch: int
    tips: dict[int, Tip]


class Branches:
    """The branches of one run.

    Attributes
    ----------
    by_id : dict of int to Branch
        All branches.
    roots : dict of int to BranchStart
        First states of the branches that do not continue from their parent's state.
    tips : dict of int to Tip
        Tips of all branches, except the current one if the run is at its tip.
    current : int
        The current branch.
    """

    def __init__(self) -> None:
        self.by_id: dict[int, Branch] = {}
        self.roots: dict[int, BranchStart] = {}
        self.tips: dict[int, Tip] = {}
        self.current = 0

    @property
    def at_tip(self) -> bool:
        """True if the run is at the tip of its branch, so that the next step extends it."""
        return self.current not in self.tips

    # --- names ----------------------------------------------------------------------------------

    def named(self, name: Any) -> Branch:
        """Return the branch of that name, or raise `ValueError`."""
        for branch in self.by_id.values():
            if _composed(branch.name) == _composed(name):
                return branch
        raise ValueError(
            Message(
                "there is no branch {name}; there are {known}",
                name=_short(name),
                known=", ".join(branch.name for branch in self.by_id.values()),
            )
        )

    def free_name(self) -> str:
        """Return a name for the next branch."""
        taken = {branch.name for branch in self.by_id.values()}
        number = len(taken) + 1
        while f"branch {number}" in taken:
            number += 1
        return f"branch {number}"

    def check_new(self, name: Any) -> str:
        """Return `name` in NFC, if it is valid for a new branch.

        Raises
        ------
        ValueError
            If it is empty, too long, taken, or has letters that cannot be printed.
        """
        name = _composed(name)
        if not isinstance(name, str) or not name.strip() or any(map(_is_unprintable, name)):
            raise ValueError(
                Message(
                    "a branch cannot be named {name}; pass letters, digits and signs that can be printed",
                    name=_short(name),
                )
            )
        if len(name) > LONGEST_NAME:
            raise ValueError(
                Message(
                    "a branch cannot have a name of {length} letters; pass at most {longest}",
                    length=len(name),
                    longest=LONGEST_NAME,
                )
            )
        if any(_composed(branch.name) == name for branch in self.by_id.values()):
            raise ValueError(
                Message(
                    "there is a branch {name!r} already; choose another name, or go there by switch({name!r})",
                    name=name,
                )
            )
        return name

    # --- growth ---------------------------------------------------------------------------------

    def grow(
        self,
        name: str,
        origin: Beginning,
        start: Position | None,
        tips: Mapping[int, Tip],
        root: BranchStart | None,
    ) -> None:
        """Add a branch, and move the run to its tip.

        Parameters
        ----------
        start : Position or None
            Place at which it leaves another branch.
        tips : mapping
            Tips of all other branches.
        root : BranchStart or None
            Its first state, if it does not continue from the state at `start`.
        """
        number = len(self.by_id)
        if start is not None:
            start = self.owned(start)
        branch = Branch(number, name, None if start is None else start.branch, start, origin)
        # All by one call, so that an interrupt finds them as they were or as they will be.
        vars(self).update(
            by_id={**self.by_id, number: branch},
            roots=self.roots if root is None else {**self.roots, number: root},
            tips=dict(tips),
            current=number,
        )

    # --- places ---------------------------------------------------------------------------------

    def root_of(self, branch: int) -> int:
        """Return the branch whose own first state is the beginning of the line of `branch`."""
        while branch not in self.roots:
            branch = self._parent(branch)
        return branch

    def owner(self, branch: int, iteration: int) -> int:
        """Return the branch on the line of `branch` that holds step `iteration`."""
        while branch not in self.roots and iteration <= self._start(branch).iteration:
            branch = self._parent(branch)
        return branch

    def owned(self, place: Position) -> Position:
        """Return `place` with the branch on which it was reached first."""
        branch = place.branch
        while branch not in self.roots and place.before(self._start(branch)):
            branch = self._parent(branch)
        return Position(branch, place.iteration, place.seq)

    def line(self, branch: int) -> list[tuple[int, Position | None]]:
        """Return the branches that led to `branch`, the first one first, with their tips."""
        steps: list[tuple[int, Position | None]] = [(branch, None)]
        while (start := self.by_id[branch].start) is not None:
            branch = start.branch
            steps.append((branch, start))
        return steps[::-1]

    def lineage(self, branch: int, records: list[Intervention]) -> list[Intervention]:
        """Return those of `records` that are on the line of `branch`, up to its tip."""
        ends = dict(self.line(branch))
        return [
            r for r in records if r.branch in ends and ((end := ends[r.branch]) is None or r.seq < end.seq)
        ]

    def leads_to(self, snapshot: Snapshot, target: Position) -> bool:
        """Return True if training from `snapshot` can reach `target`."""
        place = snapshot.place
        if not place.before(target) or self.root_of(place.branch) != self.root_of(target.branch):
            return False
        ends = dict(self.line(target.branch))
        if place.branch not in ends:
            return False
        end = ends[place.branch]
        return end is None or place.before(end)

    def _start(self, branch: int) -> Position:
        start = self.by_id[branch].start
        assert start is not None
        return start

    def _parent(self, branch: int) -> int:
        return self._start(branch).branch


def _composed(name: Any) -> Any:
    """Return `name` with composed letters and accents, so that equal-looking names are equal."""
    return unicodedata.normalize("NFC", name) if isinstance(name, str) else name


def _is_unprintable(letter: str) -> bool:
    category = unicodedata.category(letter)
    return (category.startswith("C") and letter not in _JOINERS) or category in {"Zl", "Zp"}


def _short(name: Any) -> str:
    shown = repr(name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[:LONGEST_NAME]}..."
