"""Adding the steps of a copy to a run as a branch."""

from __future__ import annotations

from dataclasses import replace

from ganwidgets.runs.record.branches import LONGEST_NAME, RunPoint
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.state_tree import copied, put_tree, state_tree
from ganwidgets.runs.timeline.travel import fork, go_to

__all__ = ["graft"]


def graft(session: Session, place: Position, future: Session, known: int, name: str) -> None:
    """Move `session`, on a new branch, to the state of its copy `future`.

    Only the steps to `place` are computed again, if the run has trained since.

    Parameters
    ----------
    session : Session
    place : Position
        Place at which the copy was made.
    future : Session
        See :func:`~ganwidgets.runs.timeline.copies.copy_here`.
    known : int
        Number of records of the copy's log that came from `session`.
    name : str
        Name of the branch; a number is added if it is taken.

    Raises
    ------
    Exception
        Any exception on the way to `place`; the run is then unchanged.
    """
    future.recover()
    tree = copied(state_tree(future.state))
    in_force, asked = dict(future.log.in_force), future.log.asked
    records = future.log.everything[known:]
    values = [future.log.value(record.seq) for record in records]
    go_to(session, place)
    fork(session, _free(session, name))
    with session.transaction() as here:
        log = session.log
        session.begin_root()
        first, branch = len(log.everything), here.branch
        moved: list[Intervention] = [
            replace(record, seq=first + number, branch=branch) for number, record in enumerate(records)
        ]
        lineage = [*log.lineage, *(record.seq for record in moved)]
        log.recall([*log.everything, *moved], [*map(log.value, range(first)), *values])
        with session.pinned():
            put_tree(session.state, tree, future.in_force())
        end = Position(branch, session.state.iteration, lineage[-1] + 1 if lineage else 0)
        session.restore(
            RunPoint(
                session.run,
                session.built,
                Snapshot(end, future.log.repeated, in_force, asked, None),
                lineage,
                future.history.until(future.history.rows),
                branch,
                here.tips,
            )
        )
    session.autosave.save()


def _free(session: Session, name: str) -> str:
    """Return `name`, shortened to a valid branch name, with a number if it is taken."""
    taken = {branch.name for branch in session.branches.by_id.values()}
    number, free = 1, name[:LONGEST_NAME]
    while free in taken:
        number += 1
        free = f"{name[: LONGEST_NAME - 8]} ({number})"
    return free
