"""Branches, interventions and snapshots as values that JSON can hold, and back.

Data stand there by the name that :func:`~ganwidgets.runs.state_tree.data_name` gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple
from typing import Any

from .branches import Root
from .interventions import Intervention, Origin
from .older import completed_settings
from .places import Branch, Place
from .snapshots import Snapshot
from .state_tree import data_name

__all__ = [
    "Asked",
    "asked_from",
    "branch_from",
    "intervention_from",
    "place_from",
    "plain_asked",
    "plain_branch",
    "plain_intervention",
    "plain_place",
    "plain_snapshot",
    "root_from",
    "snapshot_from",
]

Asked = Mapping[str, tuple[Origin, Any]]
"""Settings that were asked for and not in force yet, by name."""

NameOf = Callable[[Any], str]
"""Returns the name of data."""

DataOf = Callable[[str], Any]
"""Returns the data of a name."""


def plain_place(place: Place) -> list[int]:
    """Return a place as numbers."""
    return list(astuple(place))


def place_from(plain: Any) -> Place:
    """Return the place of which :func:`plain_place` made `plain`."""
    branch, iteration, seq = map(_whole, plain)
    return Place(branch, iteration, seq)


def plain_branch(branch: Branch, root: Root | None) -> dict[str, Any]:
    """Return a branch, with its first state where it has one of its own."""
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


def branch_from(plain: Mapping[str, Any]) -> Branch:
    """Return the branch of which :func:`plain_branch` made `plain`."""
    start = None if plain["start"] is None else place_from(plain["start"])
    origin = plain["origin"]
    if origin not in {"start", "fork", "reset", "load"} or (origin == "fork") == ("root" in plain):
        raise ValueError(f"branch {plain['id']} begins in no known way")
    parent = None if start is None else start.branch
    return Branch(_whole(plain["id"]), str(plain["name"]), parent, start, origin)


def root_from(plain: Mapping[str, Any], data_of: DataOf, source_of: Callable[[Any], Any]) -> Root:
    """Return the first state that :func:`plain_branch` put into the branch `plain`."""
    root = plain["root"]
    built = completed_settings(_settings(root["built"], data_of), built=True)
    return Root(
        place_from(root["first"]),
        built,
        completed_settings(_settings(root["settings"], data_of)),
        source_of(built["data"]),
        _whole(root["threads"]),
    )


def plain_intervention(record: Intervention, value: Any, name_of: NameOf) -> dict[str, Any]:
    """Return a record; `value` is what it put in force."""
    plain = record.as_dict()
    if record.setting == "data":
        plain["data"] = name_of(value)
    return plain


def intervention_from(plain: Mapping[str, Any], data_of: DataOf) -> tuple[Intervention, Any]:
    """Return the record of which :func:`plain_intervention` made `plain`, and what it put in force."""
    record = Intervention(**{name: _value(entry) for name, entry in plain.items() if name != "data"})
    return record, data_of(plain["data"]) if record.setting == "data" else record.new


def plain_asked(asked: Asked, name_of: NameOf) -> list[Any]:
    """Return what was asked for, in order."""
    return [
        [name, asdict(origin), name_of(value) if name == "data" else value]
        for name, (origin, value) in asked.items()
    ]


def asked_from(plain: Any, data_of: DataOf) -> dict[str, tuple[Origin, Any]]:
    """Return what :func:`plain_asked` made `plain` of."""
    return {
        name: (Origin(**origin), data_of(value) if name == "data" else _value(value))
        for name, origin, value in plain
    }


def plain_snapshot(snapshot: Snapshot, name_of: NameOf) -> dict[str, Any]:
    """Return all of a snapshot but its tree."""
    return {
        "place": plain_place(snapshot.place),
        "repeated": snapshot.repeated,
        "settings": {**snapshot.settings, "data": name_of(snapshot.settings["data"])},
        "asked": plain_asked(snapshot.asked, name_of),
    }


def snapshot_from(plain: Mapping[str, Any], data_of: DataOf, *, pinned: bool) -> Snapshot:
    """Return the snapshot, without its tree, of which :func:`plain_snapshot` made `plain`."""
    return Snapshot(
        place_from(plain["place"]),
        _whole(plain["repeated"]),
        completed_settings(_settings(plain["settings"], data_of)),
        asked_from(plain["asked"], data_of),
        None,
        pinned,
    )


def _settings(plain: Mapping[str, Any], data_of: DataOf) -> dict[str, Any]:
    return {name: data_of(value) if name == "data" else _value(value) for name, value in plain.items()}


def _value(plain: Any) -> Any:
    """Return a setting's value from what JSON made of it: widths are tuples."""
    return tuple(plain) if isinstance(plain, list) else plain


def _whole(plain: Any) -> int:
    if isinstance(plain, bool) or not isinstance(plain, int):
        raise TypeError(f"{plain!r} is no whole number")
    return plain
