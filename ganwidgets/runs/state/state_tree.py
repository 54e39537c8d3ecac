"""Conversion of a training state to nested dictionaries, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ganwidgets.data import IMAGE_PRESETS, POINT_PRESETS, Source
from ganwidgets.data.two_sources import TwoSources
from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.runs.state.user_parts import UserParts
from ganwidgets.stepping.state import TrainingState

__all__ = [
    "STATE_FORMAT",
    "check_origin",
    "copied",
    "data_name",
    "halves_of",
    "is_preset",
    "other_data",
    "put_tree",
    "samples_seen_in",
    "state_tree",
]

PAIRED, UNPAIRED = "paired:", "unpaired:"
"""Prefixes of the names of two-part data."""

STATE_FORMAT = 1
"""Version of the result of :meth:`GANTrainer.state_dict`."""


def is_preset(name: str) -> bool:
    """Return True if `name` is a preset's name."""
    return name in POINT_PRESETS or name in IMAGE_PRESETS


def data_name(source: Source) -> str:
    """Return the name of `source` in a state: its preset, its hash, or those of its halves."""
    if isinstance(source, TwoSources):
        kind = PAIRED if source.paired else UNPAIRED
        return kind + "+".join(map(data_name, source.parts))
    return source.preset or f"sha256:{source.fingerprint}"


def halves_of(name: str) -> tuple[bool, str, str] | None:
    """Return whether two-part data are paired, and the names of both halves; None for other data.

    >>> halves_of("paired:digits+sha256:12")
    (True, 'digits', 'sha256:12')
    """
    for kind in (PAIRED, UNPAIRED):
        if name.startswith(kind):
            first, second = name.removeprefix(kind).split("+")
            return kind == PAIRED, first, second
    return None


def state_tree(state: TrainingState) -> dict[str, Any]:
    """Return a state in stored form: nested dictionaries of tensors, not copied, and plain values."""
    return state.game.to_stored(state.tree())


def samples_seen_in(tree: Mapping[str, Any]) -> int:
    """Return the number of real samples drawn up to the state in `tree`."""
    return int(tree["cursor"]) if "cursor" in tree else sum(tree["cursors"].values())


def copied(tree: Any) -> Any:
    """Return `tree` with every tensor detached and copied to the CPU."""
    if isinstance(tree, Tensor):
        return tree.detach().to("cpu", copy=True)
    if isinstance(tree, Mapping):
        return {name: copied(value) for name, value in tree.items()}
    return tree


def other_data(name: str, source: Source) -> Message:
    """Return the error text for a state of other data than `source`."""
    return Message(
        "the state belongs to other data ({wanted}) than this trainer's ({found}); pass the data that "
        "the run was trained on",
        wanted=name,
        found=source.name,
    )


def check_origin(tree: Mapping[str, Any], own: UserParts) -> None:
    """Raise `CheckpointError` unless `tree` is readable and needs the parts in `own`."""
    if tree.get("format") != STATE_FORMAT:
        raise CheckpointError(
            Message(
                "the state has format {found!r}, but this version of ganwidgets reads {known}",
                found=tree.get("format"),
                known=STATE_FORMAT,
            )
        )
    for name, network in own.networks.items():
        if tree["own"][name] and network is None:
            raise CheckpointError(
                Message(
                    "the run was trained with a {network} of its own; pass one that is built like it as "
                    "{network}=...",
                    network=name,
                )
            )
        if network is not None and not tree["own"][name]:
            raise CheckpointError(
                Message("the run was trained with the built-in {network}; pass none", network=name)
            )
    wanted, given = tree["own"].get("objective"), own.described().get("objective")
    if wanted is not None and given is None:
        raise CheckpointError(
            Message(
                "the run was trained with an objective of its own, {wanted}; pass it as objective=...",
                wanted=wanted,
            )
        )
    if wanted != given:
        raise CheckpointError(
            Message(
                "the run was trained with {wanted}, but {given} was passed as its objective; pass the one that it "
                "was trained with",
                wanted=wanted or Message("none but the built-in objectives"),
                given=given,
            )
        )


def put_tree(state: TrainingState, tree: Mapping[str, Any], settings: Any) -> None:
    """Restore `tree` in `state`; the networks must fit.

    Parameters
    ----------
    settings
        Hyperparameters of the optimizers that are made.

    Raises
    ------
    Exception
        Of many kinds, if `tree` is not what :func:`state_tree` returned; the state is then inconsistent.
    """
    state.put_tree(state.game.from_stored(tree), settings)
