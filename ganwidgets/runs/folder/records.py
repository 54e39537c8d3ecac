"""The records of a run folder, read without tensors and without write access."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ganwidgets.errors import CheckpointError
from ganwidgets.games import settings_of
from ganwidgets.messages import Message
from ganwidgets.runs.files.consistency import check_branches
from ganwidgets.runs.files.decoding import asked_from, notes_from, place_from
from ganwidgets.runs.files.documents import RunDocument, StandDocument
from ganwidgets.runs.folder.decoded import stored_branches, stored_histories, stored_interventions
from ganwidgets.runs.record.columns import columns_of
from ganwidgets.runs.record.notes import notes_on
from ganwidgets.runs.record.run_record import RunRecord, called
from ganwidgets.runs.state.checkpoint_errors import sound
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.state.state_tree import halves_of, is_preset
from ganwidgets.runs.state.user_parts import built_in_game_of
from ganwidgets.runs.store import RunFolder, Stored

__all__ = ["records_of_folder"]


def records_of_folder(path: str | os.PathLike[str]) -> dict[str, RunRecord]:
    """Return the records of all branches of a stored run, by name; the current branch comes first.

    Another process may be writing to the folder: it is opened to be read, and what is read is one commit.

    Raises
    ------
    CheckpointError
        If there is no run, it is damaged or newer.
    """
    with RunFolder.open(path, writable=False) as folder, sound(folder.path):
        stored, document = folder.load(), folder.document
        if not stored.branches or not stored.current:
            raise CheckpointError(Message("{path} holds no run yet", path=str(folder.path)))
        return _records(stored, converted(document, RunDocument))


def _records(stored: Stored, document: RunDocument) -> dict[str, RunRecord]:
    current = stored.current
    converted(current, StandDocument)  # its types and bounds
    names = _data_names(stored)
    game = built_in_game_of(document.own)
    definitions = settings_of(game)
    branches = stored_branches(stored, names.__getitem__, lambda _data: None, definitions)
    records, values = stored_interventions(stored, names.__getitem__, definitions)
    check_branches(branches, len(records))
    histories = stored_histories(stored, branches, columns_of(game))
    place = place_from(current["place"])
    asked = asked_from(current["asked"], names.__getitem__, definitions)
    notes = notes_from(current.get("notes", []))
    versions = dict(current["environments"][-1])
    found: dict[str, RunRecord] = {}
    for branch in sorted(branches.by_id, key=lambda number: number != place.branch):
        root = branches.roots[branches.root_of(branch)]
        led = [r for r in branches.lineage(branch, records) if r.seq >= root.first.seq]
        settings: dict[str, Any] = dict(root.settings)
        for record in led:
            if record.setting in settings:
                settings[record.setting] = values[record.seq]
        at_tip = branch == place.branch and str(branch) not in current["tips"]
        if at_tip:
            settings.update((name, value) for name, (_, value) in asked.items())
        rows = histories[branch].rows
        found[branches.by_id[branch].name] = RunRecord(
            branch=branches.by_id[branch].name,
            branches=len(branches.by_id),
            settings={**settings, **root.built},
            networks={name: _network(document.own, name) for name in ("generator", "discriminator")},
            interventions=tuple(led),
            history=histories[branch],
            rows=rows,
            versions=versions,
            notes=tuple((n.iteration, n.text) for n in notes_on(notes, branches, branch, rows)),
        )
    return found


def _network(own: Mapping[str, bool | str], name: str) -> str:
    return "of its own" if own.get(name) else "built in"


class _DataNames(dict[str, str]):
    """Displayed names of data, by their names in stored runs."""

    def __missing__(self, name: str) -> str:
        two = halves_of(name)
        if two is not None:
            return " + ".join(self[half] for half in two[1:])
        if not is_preset(name):
            raise ValueError(f"the data {name} are missing")
        return name


def _data_names(stored: Stored) -> _DataNames:
    return _DataNames(
        {
            row.place["name"]: called(
                str(row.place["called"]), False, row.place["name"].removeprefix("sha256:")
            )
            for row in stored.snapshots
            if row.place["kind"] == "data"
        }
    )
