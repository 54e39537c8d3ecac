"""The record of a run in a saved file, read without tensors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ganwidgets.runs.files.checkpoint import numbers_of
from ganwidgets.runs.files.decoding import notes_from, records_from
from ganwidgets.runs.files.documents import SavedDocument
from ganwidgets.runs.record.columns import columns_of
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.run_record import RunRecord, called
from ganwidgets.runs.state.checkpoint_errors import sound
from ganwidgets.runs.state.flatten import unflatten
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.state.migrations import completed_settings
from ganwidgets.runs.state.state_tree import halves_of, is_preset
from ganwidgets.runs.state.user_parts import definitions_of, with_game_of

__all__ = ["record_of_file"]

HISTORY = "history/"


def record_of_file(path: str | os.PathLike[str]) -> RunRecord:
    """Return the record of a run that :func:`~ganwidgets.runs.files.session_file.save_session` saved.

    Only the document and the columns of the history are read, so the SHA-256 over all tensors is not compared.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, foreign or newer.
    """
    columns, document = numbers_of(path, HISTORY)
    with sound(path):
        return _record(columns, document)


def _record(columns: Mapping[str, Any], document: Mapping[str, Any]) -> RunRecord:
    state = document["state"]
    game = with_game_of({}, state["own"])["game"]
    definitions = definitions_of(game)
    settings = completed_settings(unflatten(state["settings"], "", {}), definitions=definitions)
    built = completed_settings(unflatten(state["built"], "", {}), built=True, definitions=definitions)
    saved = converted(document, SavedDocument)
    history = History.restored({name: tensor.numpy() for name, tensor in columns.items()}, columns_of(game))
    records = records_from(saved["log"], definitions)
    fresh = max((record.seq + 1 for record in records if record.setting in {"reset", "load"}), default=0)
    name = str(built["data"])
    two = halves_of(name)
    called_data = " + ".join(
        called(
            each if is_preset(each) else saved["data"][each].name,
            is_preset(each),
            each.removeprefix("sha256:"),
        )
        for each in ([name] if two is None else two[1:])
    )
    return RunRecord(
        branch="main",
        branches=1,
        settings={**settings, **built, "data": called_data},
        networks={
            each: "of its own" if state["own"].get(each) else "built in"
            for each in (n for n in state["own"] if n not in {"game", "objective"})
        },
        interventions=tuple(records[fresh:]),
        history=history,
        rows=history.rows,
        versions={"torch": saved["torch"], "threads": str(state["threads"])},
        notes=tuple((note.iteration, note.text) for note in notes_from(document.get("notes", []))),
    )
