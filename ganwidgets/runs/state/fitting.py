"""Whether a state that was stored fits the networks that are to go on from it."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.optimizers import REMEMBERED
from ganwidgets.runs.state.json_values import MOST
from ganwidgets.stepping.state import GENERATORS, TrainingState, tensors_of

__all__ = ["MOST_ITERATIONS", "check_fits"]


MOST_ITERATIONS = 100_000_000
"""Iterations of a run at most: its history has a row for each."""


def check_fits(state: TrainingState, tree: Mapping[str, Any]) -> None:
    """Raise `CheckpointError` unless `tree` describes a state of networks that are built like those of `state`."""
    try:
        _check_networks(state, tree["networks"])
        switched = tree.get("requires_grad", {})
        _check_gradients(state, switched)
        _check_optimizers(state.trained_under(switched), tree["optimizers"])
        _check_randomness(state, tree["randomness"])
        _check_counters(tree)
    except CheckpointError:
        raise
    except Exception as error:  # of many kinds, where something is of another type
        raise CheckpointError(
            Message(
                "the state is damaged: {error}; use an older copy", error=f"{type(error).__name__}: {error}"
            )
        ) from error


def _check_networks(state: TrainingState, networks: Mapping[str, Mapping[str, Tensor]]) -> None:
    modules = {"generator": state.generator, "discriminator": state.discriminator}
    if "ema" in networks:
        modules["ema"] = state.generator
    if networks.keys() != modules.keys():
        raise ValueError(f"it has the networks {sorted(networks)}")
    for name, module in modules.items():
        wanted = {key: (tuple(t.shape), t.dtype) for key, t in tensors_of(module).items()}
        given = {key: (tuple(t.shape), t.dtype) for key, t in networks[name].items()}
        for key in sorted(wanted.keys() | given.keys()):
            if wanted.get(key) != given.get(key):
                raise CheckpointError(
                    Message(
                        "the {network} does not fit the state: {tensor} is {given} there and {wanted} here; "
                        "pass a network that is built like the one that was trained",
                        network=name,
                        tensor=key,
                        given=_described(given.get(key)),
                        wanted=_described(wanted.get(key)),
                    )
                )


def _described(tensor: tuple[tuple[int, ...], torch.dtype] | None) -> str:
    return "missing" if tensor is None else f"{tensor[1]} {tensor[0]}".removeprefix("torch.")


def _check_gradients(state: TrainingState, switched: Mapping[str, Mapping[str, Any]]) -> None:
    for network, flags in switched.items():
        known = dict(state.modules()[network].named_parameters())
        if network == "ema" or not flags.keys() <= known.keys() or set(map(type, flags.values())) - {bool}:
            raise ValueError(f"requires_grad of the {network} is {dict(flags)}")


def _check_optimizers(
    trained: Mapping[Any, Sequence[Tensor]], optimizers: Mapping[Any, Mapping[str, Any]]
) -> None:
    for network, described in optimizers.items():
        parameters, expected = trained[network], REMEMBERED[described["name"]]
        found: dict[int, set[str]] = {}
        for key, value in described["memory"].items():
            index, name = key.split(".", 1)
            number = int(index)
            if not 0 <= number < len(parameters) or key != f"{number}.{name}":
                raise ValueError(f"the optimizer of the {network} remembers {key}")
            parameter = parameters[number]
            like = parameter if name != "step" else torch.empty((), dtype=torch.float32)
            if value.shape != like.shape or value.dtype != like.dtype:
                raise ValueError(
                    f"what the optimizer of the {network} remembers as {key} is {value.dtype} {tuple(value.shape)}"
                )
            found.setdefault(number, set()).add(name)
        if any(names != expected for names in found.values()):
            raise ValueError(
                f"the optimizer of the {network} does not remember what {described['name']} does"
            )


def _check_randomness(state: TrainingState, randomness: Mapping[str, Tensor]) -> None:
    missing = set(GENERATORS) - randomness.keys()
    if missing:
        raise ValueError(f"there is no generator of random numbers for {', '.join(sorted(missing))}")
    like = state.randomness[GENERATORS[0]]
    for value in randomness.values():
        torch.Generator(like.device).set_state(value)  # raises for what is no generator's state


def _check_counters(tree: Mapping[str, Any]) -> None:
    for name, most in (("iteration", MOST_ITERATIONS), ("cursor", MOST), ("d_updates", MOST)):
        if isinstance(tree[name], bool) or not 0 <= operator.index(tree[name]) <= most:
            raise ValueError(f"{name} is {tree[name]!r}, not a whole number from 0 to {most}")
