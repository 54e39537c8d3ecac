"""The record of a run in a saved file, read without the tensors of its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganwidgets.games import settings_of
from ganwidgets.runs.record.columns import columns_of
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.run_record import RunRecord, called
from ganwidgets.runs.state.flatten import unflatten
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.state.migrations import completed_settings
from ganwidgets.runs.state.state_tree import halves_of, is_preset
from ganwidgets.runs.state.user_parts import built_in_game_of

__all__ = ["record_from"]


def record_from(columns: Mapping[str, Any], document: Mapping[str, Any]) -> RunRecord:
    """Return the record that :func:`~ganwidgets.runs.files.session_file.session_content` described.

    Parameters
    ----------
    columns : mapping of str to Tensor
        Of the history, by name.
    document : mapping

    Raises
    ------
    Exception
        Of many kinds, if it is not what :func:`session_content` returned.
    """
    # Only runs that are read need what validates them.
    from ganwidgets.runs.files.decoding import notes_from, records_from
    from ganwidgets.runs.files.documents import SavedDocument

    state = document["state"]
    game = built_in_game_of(state["own"])
    definitions = settings_of(game)
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
