"""Saving a session to a file, and loading it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from traitlets import TraitError

from ganwidgets.data import Source, load_data
from ganwidgets.data.source import FiniteSource
from ganwidgets.data.two_sources import halves, of_two
from ganwidgets.errors import CheckpointError, DataError
from ganwidgets.games import settings_of
from ganwidgets.messages import Message
from ganwidgets.runs.files.checkpoint import read_checkpoint, write_checkpoint
from ganwidgets.runs.files.json_records import plain_log, plain_notes
from ganwidgets.runs.files.stored_data import as_it_was_read, data_missing, samples_of, source_of_samples
from ganwidgets.runs.record.columns import columns_of
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.runs.record.notes import notes_on
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.checkpoint_errors import sound
from ganwidgets.runs.state.flatten import flatten, unflatten
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.state.migrations import completed_tree
from ganwidgets.runs.state.state_tree import check_origin, data_name, halves_of, is_preset, other_data
from ganwidgets.runs.state.user_parts import UserParts, with_game_of
from ganwidgets.runs.timeline.copies import begin_here
from ganwidgets.stepping.runtime.ambient import under_pinned_modes

__all__ = ["load_session", "save_session", "session_content", "session_from"]


@under_pinned_modes
def save_session(session: Session, path: str | os.PathLike[str]) -> None:
    """Save a run to the file `path`: state, history, interventions, and data that is a small array.

    Raises
    ------
    CheckpointError
        If the file cannot be written; the old file is kept.
    """
    tensors, document = session_content(session)
    write_checkpoint(path, tensors, document)


def session_content(session: Session) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the content of a saved run: tensors by name, not copied, and a JSON document."""
    session.notice_edits()
    tensors: dict[str, Tensor] = {}
    document = {
        "state": flatten(session.tree(), "state", tensors),
        "start": flatten(session.own_start, "start", tensors),
        "log": plain_log(session.log, lambda data: data_name(session.sources.of(data))),
        "data": {},
        "torch": torch.__version__,
    }
    line = notes_on(session.notes, session.branches, session.branches.current, session.history.rows)
    if line:
        document["notes"] = plain_notes(replace(note, branch=0) for note in line)
    if session.layout:
        document["layout"] = dict(session.layout)
    for name, column in session.history.stored().items():
        tensors[f"history/{name}"] = torch.from_numpy(column)
    for data in (session.built["data"], session.settings.data, session.log.in_force["data"]):
        for source in halves(session.sources.of(data)):
            name = data_name(source)
            samples = samples_of(source)
            document["data"][name] = {
                "name": source.name,
                "kind": source.kind,
                "options": source.options.plain(),
            }
            if samples is not None:
                tensors[f"data/{name}"] = samples
                if source.labels is not None:
                    tensors[f"labels/{name}"] = source.labels
    return tensors, document


@under_pinned_modes
def load_session(
    path: str | os.PathLike[str],
    data: Any,
    own: Mapping[str, Any],
    device: torch.device,
) -> Session:
    """Return the session of a run saved by :func:`save_session`.

    Parameters
    ----------
    path
        The file.
    data
        The training data if the file does not hold it, else None.
    own : mapping
        As :func:`~ganwidgets.runs.state.user_parts.brought` returns it.
    device : torch.device
        Where to compute.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, foreign or newer, or does not match the arguments.
    """
    tensors, document = read_checkpoint(path)
    if "sweep" in document:
        raise CheckpointError(
            Message(
                "{path} holds a sweep and not one run; gw.Sweep.load opens it, and sweep.take(i) returns a run",
                path=str(path),
            )
        )
    with sound(path):
        return session_from(path, tensors, document, data, own, device)


def session_from(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Tensor],
    document: Mapping[str, Any],
    data: Any,
    own: Mapping[str, Any],
    device: torch.device,
) -> Session:
    """Inverse of :func:`session_content`.

    Parameters
    ----------
    path
        Where it was read, for errors; the other parameters are those of :func:`load_session`.

    Raises
    ------
    CheckpointError
        If it does not match the arguments.
    Exception
        Of many kinds, if it is not what :func:`session_content` returned.
    """
    # Only runs that are read need what validates them.
    from ganwidgets.runs.files.decoding import log_from, notes_from
    from ganwidgets.runs.files.documents import SavedDocument

    state = unflatten(document["state"], "state", tensors)
    own = with_game_of(own, state["own"])
    check_origin(state, UserParts(own))
    definitions = settings_of(own["game"])
    document = converted(document, SavedDocument)
    state = completed_tree(state, definitions)
    history = History.restored(
        {
            name.removeprefix("history/"): tensor.numpy()
            for name, tensor in tensors.items()
            if name.startswith("history/")
        },
        columns_of(own["game"]),
    )
    if state["iteration"] != history.rows:
        raise ValueError(f"the history of a run at iteration {state['iteration']} has {history.rows} rows")
    if data is None:
        data = _data(state["built"]["data"], tensors, document)
    else:
        data = as_it_was_read(data, [(name, about.options) for name, about in document["data"].items()])
    chosen = {name: value for name, value in state["built"].items() if name != "data"}
    try:
        session = Session(data, own, device, {**chosen, "batch_size": state["settings"]["batch_size"]})
    except (DataError, TraitError) as error:
        raise CheckpointError(
            Message("{path} does not match what was passed: {error}", path=str(path), error=error.args[0])
        ) from error
    if session.run.source.fingerprint != state["data"]:
        raise CheckpointError(other_data(state["built"]["data"], session.run.source))
    pending = state["settings"]["data"]
    if pending != state["built"]["data"]:
        session.settings.data = _data(pending, tensors, document)
    session.load_tree(state, CODE)
    session.own_start = session.own.checked_content(unflatten(document["start"], "start", tensors))
    session.history = history
    session.notes = notes_from(document.get("notes", []))
    session.layout = document.get("layout", {})
    log = document["log"]
    in_force = log.data or state["built"]["data"]
    if in_force == pending:
        known = session.settings.data
    elif in_force == state["built"]["data"]:
        known = session.built["data"]
    else:
        known = _data(in_force, tensors, document)
    session.log.restore(*log_from(log, session.settings.as_dict(), known, definitions))
    begin_here(session)
    return session


def _data(name: str, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> str | Source:
    """Return the data that a state calls `name`: a preset's name, or the source of a small array."""
    if is_preset(name):
        return name
    two = halves_of(name)
    if two is not None:
        paired, *names = two
        first, second = (load_data(_data(half, tensors, document)) for half in names)
        if not isinstance(first, FiniteSource) or not isinstance(second, FiniteSource):
            raise ValueError(f"the data are not {name}")
        return of_two(first, second, paired=paired)
    about = document["data"][name]
    if f"data/{name}" not in tensors:
        raise CheckpointError(data_missing(about.name))
    source = source_of_samples(
        tensors[f"data/{name}"], tensors.get(f"labels/{name}"), about.kind, about.options
    )
    if data_name(source) != name:
        raise ValueError(f"the data are not {name}")
    return source
