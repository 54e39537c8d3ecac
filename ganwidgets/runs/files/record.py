"""The record of a run in a saved file, read without its tensors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ganwidgets.runs.files.checkpoint import numbers_of
from ganwidgets.runs.files.decoding import log_from, notes_from
from ganwidgets.runs.files.documents import SavedDocument
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.run_record import RunRecord, called
from ganwidgets.runs.state.checkpoint_errors import sound
from ganwidgets.runs.state.flatten import unflatten
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.state.migrations import completed_settings
from ganwidgets.runs.state.state_tree import is_preset

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
    settings = completed_settings(unflatten(state["settings"], "", {}))
    built = completed_settings(unflatten(state["built"], "", {}), built=True)
    saved = converted(document, SavedDocument)
    history = History.restored({name: tensor.numpy() for name, tensor in columns.items()})
    records, _ = log_from(saved["log"])
    fresh = max((record.seq + 1 for record in records if record.setting in {"reset", "load"}), default=0)
    name = str(built["data"])
    preset = is_preset(name)
    data = called(name if preset else saved["data"][name].name, preset, name.removeprefix("sha256:"))
    return RunRecord(
        branch="main",
        branches=1,
        settings={**settings, **built, "data": data},
        networks={
            each: "of its own" if state["own"].get(each) else "built in"
            for each in ("generator", "discriminator")
        },
        interventions=tuple(records[fresh:]),
        history=history,
        rows=history.rows,
        versions={"torch": saved["torch"], "threads": str(state["threads"])},
        notes=tuple((note.iteration, note.text) for note in notes_from(document.get("notes", []))),
    )
