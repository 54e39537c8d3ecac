"""The whole state of a run, including settings, as nested dictionaries, and its restoring."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from traitlets import TraitError

from ganwidgets.data import Source
from ganwidgets.errors import CheckpointError, DataError
from ganwidgets.messages import Message
from ganwidgets.runs.state.fitting import check_fits
from ganwidgets.runs.state.migrations import completed_tree
from ganwidgets.runs.state.state_tree import STATE_FORMAT, check_origin, data_name, is_preset, put_tree
from ganwidgets.stepping.assembly import Assembled
from ganwidgets.stepping.runtime.threads import checked_threads

if TYPE_CHECKING:
    from ganwidgets.runs.record.branches import BranchStart
    from ganwidgets.runs.session.session import Session

__all__ = ["described", "refuse_other_data", "restored"]


def described(
    session: Session,
    settings: Mapping[str, Any],
    run: Assembled | BranchStart,
    built: Mapping[str, Any],
    state: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the result of :meth:`Session.tree` for any moment.

    Parameters
    ----------
    settings, built : mapping
        Of that moment, by name.
    run : Assembled or Root
        To which it belongs.
    state : mapping
        As :func:`~ganwidgets.runs.state.state_tree.state_tree` describes it.
    """
    return {
        "format": STATE_FORMAT,
        "data": run.source.fingerprint,
        "own": session.own.described(),
        "built": {**built, "data": data_name(run.source)},
        "settings": {**settings, "data": data_name(session.sources.of(settings["data"]))},
        "stepper": "eager",
        "threads": run.threads,
        **state,
    }


def refuse_other_data(session: Session, tree: Any) -> None:
    """Raise `CheckpointError` if `tree` belongs to data that the run was never trained on, presets included.

    Invalid states are left to :func:`restored`.
    """
    built = tree.get("built") if isinstance(tree, Mapping) else None
    name = built.get("data") if isinstance(built, Mapping) else None
    trained_on = {root.source.fingerprint for root in session.branches.roots.values()}
    data = tree.get("data") if isinstance(tree, Mapping) else None
    if isinstance(name, str) and isinstance(data, str) and data not in trained_on:
        raise CheckpointError(_other_data(name, session.run.source))


def restored(session: Session, tree: Mapping[str, Any]) -> tuple[Assembled, dict[str, Any], dict[str, Any]]:
    """Return the run that `tree` describes, its parts, and its settings.

    Raises
    ------
    CheckpointError
        If it belongs to other data or networks, or is not what :func:`described` returned.
    """
    try:
        return _restored(session, tree)
    except CheckpointError:
        raise
    except Exception as error:
        if isinstance(error, DataError | TraitError):
            message = Message("the state does not fit what was passed: {error}", error=error.args[0])
        else:
            message = Message(
                "this is not a state that state_dict returned: {error}",
                error=f"{type(error).__name__}: {error}",
            )
        raise CheckpointError(message) from error


def _restored(session: Session, tree: Mapping[str, Any]) -> tuple[Assembled, dict[str, Any], dict[str, Any]]:
    check_origin(tree, session.own)
    tree = completed_tree(tree, session.settings.definitions)
    pending = _known_data(session, tree["settings"]["data"])
    data = _known_data(session, tree["built"]["data"])
    source = session.sources.of(data)
    if source.fingerprint != tree["data"]:
        raise CheckpointError(_other_data(tree["built"]["data"], session.run.source))
    settings = {**tree["settings"], "data": pending}
    values = {**settings, **tree["built"], "data": data}
    later = {"batch_size", "augment"}  # are held against the data when the run is assembled
    session.settings.checked({n: v for n, v in [*values.items(), *settings.items()] if n not in later})
    run = session.assembled(values, source)
    check_fits(run.state, tree)
    put_tree(run.state, tree, SimpleNamespace(**values))
    return dataclasses.replace(run, threads=checked_threads(tree["threads"])), values, settings


def _known_data(session: Session, name: str) -> Any:
    """Inverse of :func:`data_name`: return the data for `name` in a state."""
    if is_preset(name):
        return name
    for data, source in [
        *session.sources.known,
        (session.settings.data, session.sources.of(session.settings.data)),
    ]:
        if data_name(source) == name:
            return data
    raise CheckpointError(_other_data(name, session.run.source))


def _other_data(name: str, source: Source) -> Message:
    """Return the error text for a state of a run on other data than `source`."""
    return Message(
        "the state belongs to a run on other data: it was trained on {wanted}, and this trainer has {found}; load it "
        "into a trainer that is made with the data of that run",
        wanted=repr(name) if is_preset(name) else Message("data with the SHA-256 {start}", start=name[7:19]),
        found=source.name,
    )
