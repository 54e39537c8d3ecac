"""Branches, interventions and snapshots as JSON values; :mod:`.decoding` has the inverse.

Data are stored by the name from :func:`~ganwidgets.runs.state.state_tree.data_name`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, astuple, replace
from typing import Any

from ganwidgets.runs.record.branches import BranchStart
from ganwidgets.runs.record.interventions import Intervention, InterventionLog, Origin
from ganwidgets.runs.record.notes import Note
from ganwidgets.runs.record.places import Branch, Position
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.state.state_tree import data_name

__all__ = [
    "Asked",
    "plain_asked",
    "plain_branch",
    "plain_intervention",
    "plain_log",
    "plain_notes",
    "plain_place",
    "plain_snapshot",
]

Asked = Mapping[str, tuple[Origin, Any]]
"""Pending settings by name."""

NameOf = Callable[[Any], str]
"""Returns the name of data."""


def plain_notes(notes: Iterable[Note]) -> list[list[Any]]:
    """Return notes as lists."""
    return [list(astuple(note)) for note in notes]


def plain_place(place: Position) -> list[int]:
    """Return a place as numbers."""
    return list(astuple(place))


def plain_branch(branch: Branch, root: BranchStart | None) -> dict[str, Any]:
    """Return a branch, with its own first state if it has one."""
    plain: dict[str, Any] = {
        "id": branch.id,
        "name": branch.name,
        "start": None if branch.start is None else plain_place(branch.start),
        "origin": branch.origin,
    }
    if root is not None:
        plain["root"] = {
            "first": plain_place(root.first),
            "built": {**root.built, "data": data_name(root.source)},
            "settings": {**root.settings, "data": data_name(root.source)},
            "fingerprint": root.source.fingerprint,
            "threads": root.threads,
        }
    return plain


def plain_intervention(record: Intervention, data: str = "") -> dict[str, Any]:
    """Return a record; `data` is the name of new data."""
    return {**record.as_dict(), "data": data} if data else record.as_dict()


def plain_log(log: InterventionLog, name_of: NameOf) -> dict[str, Any]:
    """Return the log of the current path, with its records as those of one branch."""
    everything, asked = log.everything, log.asked
    led = [replace(everything[seq], seq=number, branch=0) for number, seq in enumerate(log.lineage)]
    return {
        "records": [plain_intervention(record) for record in led],
        "asked": [
            {"setting": record.setting, "old": record.old, "origin": asdict(asked[record.setting][0])}
            for record in log.provisional(0)
        ],
        "data": name_of(log.in_force["data"]),
    }


def plain_asked(asked: Asked, name_of: NameOf) -> list[Any]:
    """Return the pending settings, in order."""
    return [
        [name, asdict(origin), name_of(value) if name == "data" else value]
        for name, (origin, value) in asked.items()
    ]


def plain_snapshot(snapshot: Snapshot, name_of: NameOf) -> dict[str, Any]:
    """Return a snapshot without its tree."""
    return {
        "place": plain_place(snapshot.place),
        "repeated": snapshot.repeated,
        "settings": {**snapshot.settings, "data": name_of(snapshot.settings["data"])},
        "asked": plain_asked(snapshot.asked, name_of),
    }
