"""Conversion of JSON values from :mod:`.json_records` to branches, interventions and snapshots, with checks.

Every function raises `ValueError`, `TraitError` or `CheckpointError` for values that no run has; types and
bounds are those of :mod:`.documents`, values of settings those of :data:`~ganwidgets.settings.SETTINGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from ganwidgets.runs.files.documents import (
    AskedEntry,
    BranchDocument,
    InterventionDocument,
    Iteration,
    LogDocument,
    NoteDocument,
    OriginDocument,
    PlaceDocument,
    SnapshotDocument,
    Updates,
)
from ganwidgets.runs.record.branches import BranchStart
from ganwidgets.runs.record.interventions import EDIT, SWITCH, Intervention, Origin, is_update
from ganwidgets.runs.record.notes import Note
from ganwidgets.runs.record.places import Branch, Position
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.state.migrations import completed_settings
from ganwidgets.settings import SETTINGS, Setting

__all__ = [
    "Definitions",
    "asked_from",
    "branch_from",
    "intervention_from",
    "log_from",
    "notes_from",
    "place_from",
    "records_from",
    "root_from",
    "setting_from",
    "snapshot_from",
]

Definitions = Mapping[str, Setting[Any]]
"""Settings of a game by name."""

DataOf = Callable[[str], Any]
"""Returns the data with a given name."""


def place_from(plain: Any) -> Position:
    """Inverse of :func:`~ganwidgets.runs.files.json_records.plain_place`."""
    return Position(*converted(plain, PlaceDocument))


def notes_from(plain: Any) -> list[Note]:
    """Inverse of :func:`~ganwidgets.runs.files.json_records.plain_notes`."""
    return [Note(*note) for note in converted(plain, list[NoteDocument])]


def branch_from(plain: Any) -> Branch:
    """Inverse of :func:`~ganwidgets.runs.files.json_records.plain_branch`, without the first state."""
    document = converted(plain, BranchDocument)
    if (document.origin == "fork") == (document.root is not UNSET):
        raise ValueError(f"branch {document.id} begins in no known way")
    start = None if document.start is None else Position(*document.start)
    parent = None if start is None else start.branch
    return Branch(document.id, document.name, parent, start, document.origin)


def root_from(
    plain: Any, data_of: DataOf, source_of: Callable[[Any], Any], definitions: Definitions = SETTINGS
) -> BranchStart:
    """Return the first state that :func:`~ganwidgets.runs.files.json_records.plain_branch` put into `plain`."""
    root = converted(plain, BranchDocument).root
    if root is UNSET:
        raise ValueError("the branch has no first state")
    built = completed_settings(
        _settings(root.built, data_of, definitions), built=True, definitions=definitions
    )
    settings = completed_settings(_settings(root.settings, data_of, definitions), definitions=definitions)
    return BranchStart(Position(*root.first), built, settings, source_of(built["data"]), root.threads)


def intervention_from(
    plain: Any, data_of: DataOf, definitions: Definitions = SETTINGS
) -> tuple[Intervention, Any]:
    """Return a record and its new value; inverse of :func:`.plain_intervention`."""
    document = converted(plain, InterventionDocument)
    if document.setting == "data" and document.data is UNSET:
        raise ValueError(f"intervention {document.seq} has no data")
    record = record_from(document, definitions)
    return record, record.new if document.data is UNSET else data_of(document.data)


def record_from(document: InterventionDocument, definitions: Definitions = SETTINGS) -> Intervention:
    """Return an intervention with a known setting or action and a valid value."""
    name, old, new = document.setting, document.old, document.new
    if name == "data":
        old, new = converted(old, str), converted(new, str)
    elif name in definitions:
        old, new = (setting_from(name, value, definitions=definitions) for value in (old, new))
    elif name in ACTIONS:
        old, new = converted(old, type(None)), ACTIONS[name](new)
    elif is_update(name):
        old, new = converted(old, type(None)), converted(new, Updates)
    else:
        raise ValueError(f"intervention {document.seq} changed {name!r}, which is no setting and no action")
    return Intervention(
        document.seq,
        document.iteration,
        document.author,
        document.source,
        name,
        old,
        new,
        document.reason,
        document.branch,
        document.samples_seen,
        document.hash_before,
    )


ACTIONS: Mapping[str, Callable[[Any], Any]] = {
    "reset": lambda seed: setting_from("seed", seed),
    EDIT: lambda what: converted(what, str),
    SWITCH: lambda stepper: converted(stepper, str),
    "load": lambda iteration: converted(iteration, Iteration),
}
"""Validator of each action's value."""


def log_from(
    document: LogDocument, settings: Mapping[str, Any], data: Any, definitions: Definitions = SETTINGS
) -> tuple[list[Intervention], dict[str, Any], dict[str, tuple[Origin, Any]]]:
    """Inverse of :func:`~ganwidgets.runs.files.json_records.plain_log`.

    Parameters
    ----------
    settings : mapping
        Values of the run's settings by name, pending ones included.
    data
        The data in force.

    Returns
    -------
    records : list of Intervention
    in_force : dict
        Values of the settings that are in force, by name.
    asked : dict
        Pending settings by name.
    """
    records = records_from(document, definitions)
    old = {
        entry.setting: setting_from(entry.setting, entry.old, str, definitions) for entry in document.asked
    }
    asked = {entry.setting: (origin_from(entry.origin), settings[entry.setting]) for entry in document.asked}
    return records, {**settings, **old, "data": data}, asked


def records_from(document: LogDocument, definitions: Definitions = SETTINGS) -> list[Intervention]:
    """Return the records of the log in a saved file.

    Raises
    ------
    ValueError
        If records are missing.
    """
    records = [record_from(record, definitions) for record in document.records]
    if [(record.seq, record.branch) for record in records] != [(seq, 0) for seq in range(len(records))]:
        raise ValueError("interventions are missing")
    return records


def asked_from(
    plain: Any, data_of: DataOf, definitions: Definitions = SETTINGS
) -> dict[str, tuple[Origin, Any]]:
    """Inverse of :func:`~ganwidgets.runs.files.json_records.plain_asked`."""
    return _asked(converted(plain, list[AskedEntry]), data_of, definitions)


def _asked(
    entries: Sequence[Any], data_of: DataOf, definitions: Definitions
) -> dict[str, tuple[Origin, Any]]:
    return {
        name: (origin_from(origin), setting_from(name, value, data_of, definitions))
        for name, origin, value in entries
    }


def origin_from(document: OriginDocument) -> Origin:
    """Return the origin of a change."""
    return Origin(document.author, document.source, document.reason, document.change)


def snapshot_from(
    plain: Any, data_of: DataOf, *, pinned: bool, definitions: Definitions = SETTINGS
) -> Snapshot:
    """Inverse of :func:`~ganwidgets.runs.files.json_records.plain_snapshot`; the snapshot has no tree."""
    document = converted(plain, SnapshotDocument)
    return Snapshot(
        Position(*document.place),
        document.repeated,
        completed_settings(_settings(document.settings, data_of, definitions), definitions=definitions),
        _asked(document.asked, data_of, definitions),
        None,
        pinned,
    )


def _settings(plain: Mapping[str, Any], data_of: DataOf, definitions: Definitions) -> dict[str, Any]:
    # Names that are not known stay, for `completed_settings` to name.
    return {
        name: setting_from(name, value, data_of, definitions) if name in definitions else value
        for name, value in plain.items()
    }


def setting_from(
    name: str, plain: Any, data_of: DataOf | None = None, definitions: Definitions = SETTINGS
) -> Any:
    """Return the value of setting `name` from its JSON value `plain`.

    Raises
    ------
    ValueError, TraitError
        If there is no such setting, or the value is not allowed.
    """
    if name not in definitions:
        raise ValueError(f"there is no setting {name!r}")
    if name == "data":
        if data_of is None:
            raise ValueError("data are stored by their name")
        return data_of(converted(plain, str))
    return definitions[name].check(plain)
