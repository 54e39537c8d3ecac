"""What a run's branches look like at one moment, for drawing: copies that never change."""

from __future__ import annotations

from dataclasses import dataclass

from .interventions import Intervention
from .places import Branch
from .session import Session
from .timeline import Timeline

__all__ = ["Limb", "Past", "past_of"]


@dataclass(frozen=True)
class Limb:
    """One branch, as a picture of the tree needs it.

    Attributes
    ----------
    id : int
    name : str
    parent : int or None
        The branch that it left, and drawn from there; None where it begins a run of its own.
    first, last : int
        The iterations from which and up to which it goes.
    """

    id: int
    name: str
    parent: int | None
    first: int
    last: int


@dataclass(frozen=True)
class Past:
    """Everything that can be returned to.

    Attributes
    ----------
    limbs : tuple of Limb
        In order of creation.
    interventions : tuple of Intervention
        On all branches.
    led_here : tuple of Intervention
        Those since the fresh start that led to where the run stands.
    branch : int
        The one on which the run stands.
    iteration : int
        Where on it.
    at_tip : bool
        Whether going on prolongs the branch; in its past the next step begins another one.
    first : int
        The earliest iteration that can be returned to on this branch.
    lineage : frozenset of int
        The branches that led here, this one included.
    """

    limbs: tuple[Limb, ...]
    interventions: tuple[Intervention, ...]
    led_here: tuple[Intervention, ...]
    branch: int
    iteration: int
    at_tip: bool
    first: int
    lineage: frozenset[int]

    @property
    def limb(self) -> Limb:
        """The branch on which the run stands."""
        return self.limbs[self.branch]

    @property
    def last(self) -> int:
        """The last iteration of any branch."""
        return max(limb.last for limb in self.limbs)


def past_of(session: Session) -> Past:
    """Return how the timeline of a run looks now; to be called between two steps."""
    timeline = Timeline(session, lambda look: look())
    place = timeline.place
    limbs = tuple(
        Limb(
            id=branch.id,
            name=branch.name,
            parent=branch.parent if branch.origin == "fork" else None,
            first=_first(timeline, branch),
            last=timeline.tip(branch.name),
        )
        for branch in timeline.branches.values()
    )
    lineage, limb = [place.branch], limbs[place.branch]
    while limb.parent is not None:
        limb = limbs[limb.parent]
        lineage.append(limb.id)
    led_here = session.log.records(session.state.iteration, session.state.cursor)
    return Past(
        limbs=limbs,
        interventions=tuple(timeline.interventions),
        led_here=tuple(record for record in led_here if record.branch in lineage),
        branch=place.branch,
        iteration=place.iteration,
        at_tip=timeline.at_tip,
        first=limb.first,
        lineage=frozenset(lineage),
    )


def _first(timeline: Timeline, branch: Branch) -> int:
    if branch.start is not None and branch.origin == "fork":
        return branch.start.iteration
    return timeline.first(branch.name)
