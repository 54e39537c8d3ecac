"""Check whether a stored state fits a run's networks."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ganwidgets.errors import CheckpointError
from ganwidgets.games import DEFAULT
from ganwidgets.messages import Message
from ganwidgets.optimizers import REMEMBERED, is_own_rule
from ganwidgets.runs.state.json_values import MOST
from ganwidgets.stepping.modules.tensors import tensors_of
from ganwidgets.stepping.state import TrainingState

__all__ = ["MOST_ITERATIONS", "check_fits"]


MOST_ITERATIONS = 100_000_000
"""Maximum number of iterations of a run, because its history has a row for each."""


def check_fits(state: TrainingState, tree: Mapping[str, Any]) -> None:
    """Raise `CheckpointError` unless `tree` describes networks of the same structure as those of `state`."""
    try:
        _check_game(state, tree.get("game", DEFAULT))
        parts = state.game.from_stored(tree)
        _check_networks(state, parts["networks"], parts["averages"])
        switched = parts.get("requires_grad", {})
        _check_gradients(state, switched)
        _check_optimizers(state.trained_under(switched), parts["optimizers"], parts["iteration"])
        _check_randomness(state, parts["randomness"])
        _check_memory(state, parts["memory"])
        _check_counters(state, parts)
        _check_stepper(parts.get("stepper", ""))
    except CheckpointError:
        raise
    except Exception as error:  # many kinds: any value may be of a wrong type
        raise CheckpointError(
            Message(
                "the state is damaged: {error}; use an older copy", error=f"{type(error).__name__}: {error}"
            )
        ) from error


def _check_game(state: TrainingState, game: str) -> None:
    if game != state.game.name:
        raise ValueError(f"it is a state of the game {game!r}, not of {state.game.name!r}")


Tensors = Mapping[str, Tensor]


def _check_networks(
    state: TrainingState, networks: Mapping[str, Tensors], averages: Mapping[str, Tensors]
) -> None:
    if networks.keys() != state.networks.keys():
        raise ValueError(f"it has the networks {sorted(networks)}")
    averaged = {player.averaged for player in state.game.players}
    if not averages.keys() <= averaged:
        raise ValueError(f"it has the averages {sorted(averages)}")
    for found in (networks, averages):
        for name, given in found.items():
            _check_tensors(name, tensors_of(state.networks[name]), given)


def _check_tensors(network: str, like: Tensors, stored: Tensors) -> None:
    wanted = {key: (tuple(t.shape), t.dtype) for key, t in like.items()}
    given = {key: (tuple(t.shape), t.dtype) for key, t in stored.items()}
    for key in sorted(wanted.keys() | given.keys()):
        if wanted.get(key) != given.get(key):
            raise CheckpointError(
                Message(
                    "the {network} does not fit the state: {tensor} is {given} there and {wanted} here; "
                    "pass a network that is built like the one that was trained",
                    network=network,
                    tensor=key,
                    given=_described(given.get(key)),
                    wanted=_described(wanted.get(key)),
                )
            )


def _described(tensor: tuple[tuple[int, ...], torch.dtype] | None) -> str:
    return "missing" if tensor is None else f"{tensor[1]} {tensor[0]}".removeprefix("torch.")


def _check_gradients(state: TrainingState, switched: Mapping[str, Mapping[str, Any]]) -> None:
    for network, flags in switched.items():
        known = dict(state.networks[network].named_parameters())
        if not flags.keys() <= known.keys() or set(map(type, flags.values())) - {bool}:
            raise ValueError(f"requires_grad of the {network} is {dict(flags)}")


def _check_optimizers(
    trained: Mapping[str, Sequence[Tensor]], optimizers: Mapping[str, Mapping[str, Any]], iteration: int
) -> None:
    missing = trained.keys() - optimizers.keys()
    if missing and iteration:  # the first update creates all of them
        raise ValueError(f"there is no optimizer of {', '.join(sorted(missing))}")
    for network, described in optimizers.items():
        parameters, own = trained[network], is_own_rule(described["name"])
        expected = None if own else REMEMBERED[described["name"]]
        found: dict[int, set[str]] = {}
        for key, value in described["memory"].items():
            index, name = key.split(".", 1)
            number = int(index)
            if not 0 <= number < len(parameters) or key != f"{number}.{name}":
                raise ValueError(f"the optimizer of the {network} remembers {key}")
            parameter = parameters[number]
            like = parameter if name != "step" else torch.empty((), dtype=torch.float32)
            if own and value.shape in {parameter.shape, torch.Size()}:
                continue
            if value.shape != like.shape or value.dtype != like.dtype:
                raise ValueError(
                    f"what the optimizer of the {network} remembers as {key} is {value.dtype} {tuple(value.shape)}"
                )
            found.setdefault(number, set()).add(name)
        if expected is not None and any(names != expected for names in found.values()):
            raise ValueError(
                f"the optimizer of the {network} does not remember what {described['name']} does"
            )


def _check_randomness(state: TrainingState, randomness: Tensors) -> None:
    missing = set(state.random.always) - randomness.keys()
    if missing:
        raise ValueError(f"there is no generator of random numbers for {', '.join(sorted(missing))}")
    for value in randomness.values():
        torch.Generator("cpu").set_state(value)  # raises for an invalid state


def _check_memory(state: TrainingState, memory: Tensors) -> None:
    if memory.keys() != state.memory.keys():
        raise ValueError(f"the game has the tensors {sorted(state.memory)}, and it has {sorted(memory)}")
    for name, tensor in state.memory.items():
        if (memory[name].shape, memory[name].dtype) != (tensor.shape, tensor.dtype):
            raise ValueError(f"the game's tensor {name} is {memory[name].dtype} {tuple(memory[name].shape)}")


def _check_stepper(stepper: Any) -> None:
    if not isinstance(stepper, str):
        raise TypeError(f"the stepper is {stepper!r}")


def _check_counters(state: TrainingState, parts: Mapping[str, Any]) -> None:
    for key, known in (("cursors", state.cursors), ("counts", state.counts)):
        if parts[key].keys() != known.keys():
            raise ValueError(f"{key} are those of {sorted(parts[key])}, not of {sorted(known)}")
    counters = [("iteration", parts["iteration"], MOST_ITERATIONS)]
    counters += [(f"the cursor of {name!r}", value, MOST) for name, value in parts["cursors"].items()]
    counters += [(f"the updates of {name!r}", value, MOST) for name, value in parts["counts"].items()]
    for name, value, most in counters:
        if isinstance(value, bool) or not 0 <= operator.index(value) <= most:
            raise ValueError(f"{name} is {value!r}, not a whole number from 0 to {most}")
