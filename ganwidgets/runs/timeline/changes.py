"""Changes of a run since the last commit: the content of the next commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.record.places import Branch, Position
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.timeline.travel import history_of

if TYPE_CHECKING:
    from ganwidgets.runs.session.session import Session

__all__ = ["News", "Reporter", "Stretch"]


@dataclass(frozen=True)
class Stretch:
    """Rows of a branch's history.

    Attributes
    ----------
    branch : int
    first : int
        The iteration of the first row; earlier reported rows from there on are replaced.
    rows : int
        How many rows there are.
    columns : mapping of str to float64 array
        As :meth:`History.since` returns them.
    """

    branch: int
    first: int
    rows: int
    columns: Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class News:
    """Changes since the last commit.

    Attributes
    ----------
    branches : list of Branch
    first_seq : int
        Reported interventions from this number on are replaced by `interventions`: a failure
        takes back what had not been confirmed, and updates of one network in a row grow.
    interventions : list of Intervention
    history : list of Stretch
    snapshots : list of Snapshot
        Those that are still kept; see :meth:`Snapshots.read`.
    dropped : list of Snapshot
        Reported ones that were discarded.
    current : Position
        The current place.
    """

    branches: list[Branch]
    first_seq: int
    interventions: list[Intervention]
    history: list[Stretch]
    snapshots: list[Snapshot]
    dropped: list[Snapshot]
    current: Position


class Reporter:
    """Tracks the changes of one run that were reported.

    Parameters
    ----------
    session : Session
        To be asked between two steps.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._branches = 0
        self._reported: list[Intervention] = []
        self._rows: dict[int, int] = {}
        self._snapshots: dict[int, Snapshot] = {}

    def news(self) -> News:
        """Return the changes since the last call of :meth:`mark_stored`."""
        session = self._session
        session.roll_back()
        branches = list(session.branches.by_id.values())
        records = session.log.everything
        same = min(len(records), len(self._reported))
        while same and records[same - 1] != self._reported[same - 1]:
            same -= 1
        held = {id(snapshot): snapshot for snapshot in session.snapshots}
        return News(
            branches=branches[self._branches :],
            first_seq=same,
            interventions=records[same:],
            history=[stretch for branch in branches if (stretch := self._stretch(branch)) is not None],
            snapshots=[snapshot for key, snapshot in held.items() if key not in self._snapshots],
            dropped=[snapshot for key, snapshot in self._snapshots.items() if key not in held],
            current=session.place,
        )

    def mark_stored(self, news: News) -> None:
        """Mark `news`, the last result, as stored; no step was taken in between."""
        self._branches += len(news.branches)
        self._reported = [*self._reported[: news.first_seq], *news.interventions]
        for stretch in news.history:
            self._rows[stretch.branch] = stretch.first + stretch.rows - 1
            history_of(self._session, stretch.branch).untouched = self._rows[stretch.branch]
        for snapshot in news.snapshots:
            self._snapshots[id(snapshot)] = snapshot
        for snapshot in news.dropped:
            del self._snapshots[id(snapshot)]

    def _stretch(self, branch: Branch) -> Stretch | None:
        """Return the new rows of `branch`, except inherited ones."""
        history = history_of(self._session, branch.id)
        begin = branch.start.iteration if branch.start is not None and branch.origin == "fork" else 0
        known = self._rows.get(branch.id, begin)
        known = max(begin, min(known, history.untouched if branch.id in self._rows else begin))
        if history.rows == known and self._rows.get(branch.id, begin) == known:
            return None
        return Stretch(branch.id, known + 1, history.rows - known, history.since(known))
