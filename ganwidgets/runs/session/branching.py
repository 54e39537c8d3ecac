"""Creation of branches: forks, and branches with their own first state after a reset or a load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ganwidgets.runs.record.branches import BranchStart, RunPoint, Tip
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.session.full_state import described
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.state_tree import samples_seen_in

if TYPE_CHECKING:
    from ganwidgets.runs.session.session import Session

__all__ = ["begin_branch", "branch_off", "branch_start", "kept_tip"]


def branch_off(session: Session, name: str, tips: Mapping[int, Tip]) -> None:
    """Begin a branch at the current place; `tips` are those of all other branches."""
    session.branches.grow(name, "fork", session.place, tips, None)
    session.log.branch = session.branches.current
    session.log.seal()
    session.updates.configured = False


def begin_branch(
    session: Session,
    action: Literal["reset", "load"],
    left: RunPoint,
    value: Any,
    origin: Origin,
    name: str = "",
) -> None:
    """Begin a branch whose first state is the current one.

    Parameters
    ----------
    action : {"reset", "load"}
        What put the run into its current state.
    left : RunPoint
        The point of the run before that.
    value
        The argument of the action, for the log.
    origin : Origin
        Who asked for the action.
    name : str
        The name of the branch, unless another branch has it.
    """
    snapshot, branches, log = left.snapshot, session.branches, session.log
    assert snapshot.tree is not None
    at, cursor = snapshot.place.iteration, samples_seen_in(snapshot.tree)
    before = digest(described(session, snapshot.settings, left.run, left.built, snapshot.tree))
    tips = kept_tip(session, left)
    log.branch = len(branches.by_id)
    log.commit(at, cursor, before)
    log.act(at, action, value, origin, cursor, before)
    taken = {branch.name for branch in branches.by_id.values()}
    name = name if name and name not in taken else branches.free_name()
    branches.grow(name, action, snapshot.place, tips, branch_start(session))


def branch_start(session: Session) -> BranchStart:
    """Return the current state's settings and data as the start of the next branch."""
    return BranchStart(
        Position(len(session.branches.by_id), session.state.iteration, session.log.next_seq),
        session.built,
        session.log.in_force,
        session.run.source,
        session.run.threads,
    )


def kept_tip(session: Session, left: RunPoint) -> dict[int, Tip]:
    """Return all tips; if the run leaves the tip of a branch, a pinned snapshot of it is kept."""
    if left.branch in left.tips:
        return left.tips
    left.snapshot.pinned = True
    session.snapshots.add(left.snapshot)
    return {**left.tips, left.branch: Tip(left.snapshot, left.history)}
