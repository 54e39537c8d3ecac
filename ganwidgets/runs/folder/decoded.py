"""Decoding of a run folder's content, except states, to the objects of a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ganwidgets.runs.files.decoding import Definitions, branch_from, intervention_from, root_from
from ganwidgets.runs.record.branches import Branches
from ganwidgets.runs.record.columns import CLASSIC, Columns, completed
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.store import Stored
from ganwidgets.settings import SETTINGS

__all__ = ["stored_branches", "stored_histories", "stored_interventions"]

DataOf = Callable[[str], Any]
"""Returns the data with a given name."""


def stored_branches(
    stored: Stored,
    data_of: DataOf,
    source_of: Callable[[Any], Any],
    definitions: Definitions = SETTINGS,
) -> Branches:
    """Return the branches of a stored run.

    Parameters
    ----------
    stored : Stored
    data_of : callable
    source_of : callable
        Returns the source of data that `data_of` returned.

    Raises
    ------
    ValueError
        If branches are missing.
    """
    branches = Branches()
    for number, plain in enumerate(stored.branches):
        branch = branch_from(plain)
        if branch.id != number:
            raise ValueError("branches are missing")
        branches.by_id[branch.id] = branch
        if "root" in plain:
            branches.roots[branch.id] = root_from(plain, data_of, source_of, definitions)
    return branches


def stored_interventions(
    stored: Stored, data_of: DataOf, definitions: Definitions = SETTINGS
) -> tuple[list[Intervention], list[Any]]:
    """Return the interventions of a stored run, and their new values.

    Raises
    ------
    ValueError
        If interventions are missing.
    """
    records: list[Intervention] = []
    values: list[Any] = []
    for plain in stored.interventions:
        record, value = intervention_from(plain, data_of, definitions)
        del records[record.seq :], values[record.seq :]  # taken back, and replaced by what follows
        if record.seq != len(records):
            raise ValueError("interventions are missing")
        records.append(record)
        values.append(value)
    count = stored.current["interventions"]
    if count > len(records):
        raise ValueError("interventions are missing")
    return records[:count], values[:count]


def stored_histories(stored: Stored, branches: Branches, of: Columns = CLASSIC) -> dict[int, History]:
    """Return the history of each whole branch, by the branch's id.

    Raises
    ------
    ValueError
        If rows are missing.
    """
    histories: dict[int, History] = {}
    for number in branches.by_id:
        histories[number] = _history(stored, histories, number, branches, of)
    return histories


def _history(
    stored: Stored, known: Mapping[int, History], number: int, branches: Branches, of: Columns
) -> History:
    """Return the history of a whole branch, given those of its ancestors."""
    branch = branches.by_id[number]
    begin = 0 if branch.origin != "fork" or branch.start is None else branch.start.iteration
    first, columns = stored.history.get(number, (begin + 1, {}))
    if first != begin + 1:
        raise ValueError(f"the history of branch {number} begins at {first}")
    if branch.origin != "fork" or branch.start is None:
        return History.restored(columns, of) if columns else History(of)
    parent = known[branch.start.branch]
    if branch.start.iteration > parent.rows:
        raise ValueError(f"branch {number} begins after the branch that it leaves")
    before = parent.until(branch.start.iteration)
    if not columns:
        return before
    old, new = completed(before.stored(), of), completed(columns, of)
    return History.restored({name: np.concatenate([old[name], new[name]]) for name in old}, of)
