"""Places in a run, and its branches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Beginning", "Branch", "Position"]

Beginning = Literal["start", "fork", "reset", "load"]
"""Origin of a branch; only a fork continues from its parent's state."""


@dataclass(frozen=True)
class Position:
    """A place in a run.

    Attributes
    ----------
    branch : int
        The branch's `id`.
    iteration : int
        Full steps done there.
    seq : int
        The interventions of the branch's lineage with a smaller number have taken force, no others.
    """

    branch: int
    iteration: int
    seq: int

    def before(self, other: Position) -> bool:
        """Return True if `other`, on the same line of branches, is this place or later."""
        return self.iteration <= other.iteration and self.seq <= other.seq


@dataclass(frozen=True)
class Branch:
    """One branch of a run.

    Attributes
    ----------
    id : int
        Its number, from 0 in order of creation.
    name : str
        Unique display name.
    parent : int or None
        The branch that it left; the first one has none.
    start : Position or None
        Place at which it left its parent.
    origin : {"start", "fork", "reset", "load"}
        How it began. A fork continues from the state at `start`; the others begin with another state.
    """

    id: int
    name: str
    parent: int | None
    start: Position | None
    origin: Beginning
