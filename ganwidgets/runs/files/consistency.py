"""Consistency checks of a stored run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ganwidgets.runs.record.branches import Branches
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.record.places import Position

__all__ = ["check_branches", "check_places", "check_records"]


def check_branches(branches: Branches, records: int) -> None:
    """Raise `ValueError` unless each branch begins on an earlier one, or with its own first state.

    Parameters
    ----------
    records : int
        How many interventions there are.
    """
    names = set()
    for number, branch in branches.by_id.items():
        root, start = branches.roots.get(number), branch.start
        if (start is None) != (number == 0) or (start is not None and start.branch >= number):
            raise ValueError(f"branch {number} begins on no earlier branch")
        if (branch.origin == "fork") == (root is not None):
            raise ValueError(f"branch {number} begins in no known way")
        if root is not None and (root.first.branch != number or root.first.seq > records):
            raise ValueError(f"branch {number} begins somewhere else")
        names.add(branch.name)
    if len(names) < len(branches.by_id):
        raise ValueError("two branches have one name")


def check_records(records: Sequence[Intervention], branches: Branches, rows: Mapping[int, int]) -> None:
    """Raise `ValueError` unless each intervention is on its branch, after those before it.

    Parameters
    ----------
    rows : mapping of int to int
        The iteration at which each branch ends.
    """
    reached = {number: _begin(branches, number) for number in branches.by_id}
    for record in records:
        if record.branch not in reached:
            raise ValueError(f"intervention {record.seq} took force on no branch")
        root = branches.roots.get(record.branch)
        if root is not None and record.seq < root.first.seq:
            continue  # it came before the first state, and is never carried out
        if not reached[record.branch] <= record.iteration <= rows[record.branch]:
            raise ValueError(f"intervention {record.seq} took force where its branch was not")
        if record.setting in {"reset", "load"}:
            raise ValueError(f"intervention {record.seq} begins no branch")
        reached[record.branch] = record.iteration


def check_places(
    places: Iterable[Position], branches: Branches, rows: Mapping[int, int], records: Collection[Intervention]
) -> None:
    """Raise `ValueError` unless each of `places` is on its branch."""
    for place in places:
        if place.branch not in branches.by_id:
            raise ValueError(f"{place} is on no branch")
        first = branches.roots[branches.root_of(place.branch)].first.iteration
        if not first <= place.iteration <= rows[place.branch] or place.seq > len(records):
            raise ValueError(f"{place} is beyond its branch")


def _begin(branches: Branches, number: int) -> int:
    """Return the first iteration of a branch."""
    root, start = branches.roots.get(number), branches.by_id[number].start
    if root is not None:
        return root.first.iteration
    assert start is not None, "a fork has a start"
    return start.iteration
