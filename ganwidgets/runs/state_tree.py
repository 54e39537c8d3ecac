"""A training state as nested dictionaries, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError
from ..messages import Message
from ..stepping.state import TrainingState, moments_of, put_moments, put_tensors, tensors_of

__all__ = ["check_fits", "copied", "put_tree", "state_tree"]


def state_tree(state: TrainingState) -> dict[str, Any]:
    """Return a state as nested dictionaries of tensors, not copied, and plain values."""
    return {
        "iteration": state.iteration,
        "cursor": state.cursor,
        "networks": {name: tensors_of(module) for name, module in state.modules().items()},
        "optimizers": {
            network: {"name": state.optimizer_names[network], "memory": moments_of(optimizer)}
            for network, optimizer in state.optimizers.items()
        },
        "randomness": {name: g.get_state() for name, g in state.randomness.items()},
    }


def copied(tree: Any) -> Any:
    """Return `tree` with every tensor detached and copied to the CPU."""
    if isinstance(tree, Tensor):
        return tree.detach().to("cpu", copy=True)
    if isinstance(tree, Mapping):
        return {name: copied(value) for name, value in tree.items()}
    return tree


def check_fits(state: TrainingState, tree: Mapping[str, Any]) -> None:
    """Raise `CheckpointError` unless the networks of `tree` are built like those of `state`."""
    for name, found in tree["networks"].items():
        own = state.generator if name == "ema" else state.modules().get(name)
        if own is None:
            raise CheckpointError(Message("the state has an unknown network {name!r}", name=name))
        wanted = {key: (tuple(t.shape), t.dtype) for key, t in tensors_of(own).items()}
        given = {key: (tuple(t.shape), t.dtype) for key, t in found.items()}
        for key in sorted(wanted.keys() | given.keys()):
            if wanted.get(key) != given.get(key):
                raise CheckpointError(
                    Message(
                        "the {network} does not fit the state: {tensor} is {given} there and "
                        "{wanted} here; pass the networks that the run was trained with",
                        network=name,
                        tensor=key,
                        given=_described(given.get(key)),
                        wanted=_described(wanted.get(key)),
                    )
                )


def _described(tensor: tuple[tuple[int, ...], torch.dtype] | None) -> str:
    return "missing" if tensor is None else f"{tensor[1]} {tensor[0]}".removeprefix("torch.")


def put_tree(state: TrainingState, tree: Mapping[str, Any], settings: Any) -> None:
    """Give `state` everything that :func:`state_tree` described; the networks must fit.

    Parameters
    ----------
    settings
        Hyperparameters for the optimizers that are made.
    """
    if "ema" in tree["networks"]:
        state.start_average()
    else:
        state.ema = None
    for name, module in state.modules().items():
        put_tensors(module, tree["networks"][name])
    state.optimizers.clear()
    state.optimizer_names.clear()
    for network, optimizer in tree["optimizers"].items():
        state.use_optimizer(network, optimizer["name"], settings)
        put_moments(state.optimizers[network], optimizer["memory"])
    for name, values in tree["randomness"].items():
        state.randomness[name].set_state(values)
    state.iteration = tree["iteration"]
    state.cursor = tree["cursor"]
