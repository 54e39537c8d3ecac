"""Kinds of content of a training state: description, restoring, copying and checks.

:data:`ganwidgets.stepping.state.CONTENT` lists the content of a state. The tree, the hash, snapshots, the undo copy
and the check for finite numbers follow from that list.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganwidgets.stepping.modules.tensors import moments_of, put_moments, put_tensors, tensors_of

if TYPE_CHECKING:
    from ganwidgets.stepping.state import TrainingState

__all__ = [
    "Averages",
    "Choice",
    "Content",
    "Counter",
    "Counters",
    "GradientFlags",
    "Memory",
    "Networks",
    "Optimizers",
    "Randomness",
    "Undo",
]

Undo = Callable[[], None]
"""Restores what was copied; may be repeated after an interrupt."""


class Content(ABC):
    """One part of a training state.

    Parameters
    ----------
    attribute : str
        Attribute of the state.
    key : str
        Key in the tree of the state.
    """

    quantity = "a weight"
    """Name of this part in an error about a non-finite number."""

    def __init__(self, attribute: str, key: str = "") -> None:
        self.attribute = attribute
        self.key = key or attribute

    @abstractmethod
    def tree(self, state: TrainingState) -> Any:
        """Return the part as nested dictionaries of tensors, not copied, and plain values."""

    @abstractmethod
    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        """Restore what :meth:`tree` returned.

        Parameters
        ----------
        settings
            Hyperparameters of new optimizers.
        """

    def live(self, state: TrainingState) -> Iterable[Tensor]:
        """Return the tensors that updates change in place and never replace; valid while :meth:`made_of` is equal."""
        return ()

    def made_of(self, state: TrainingState) -> tuple[Any, ...]:
        """Return a value that is equal as long as :meth:`live` returns the same tensors."""
        return ()

    def replaceable(self, state: TrainingState) -> Iterable[Tensor]:
        """Return the tensors that a network may replace in an update."""
        return ()

    @abstractmethod
    def copy(self, state: TrainingState) -> Undo:
        """Copy everything except the tensors of :meth:`live`; return a function that restores it."""


class Counter(Content):
    """An integer."""

    def tree(self, state: TrainingState) -> int:
        return int(getattr(state, self.attribute))

    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        setattr(state, self.attribute, operator.index(tree))

    def copy(self, state: TrainingState) -> Undo:
        value = getattr(state, self.attribute)
        return lambda: setattr(state, self.attribute, value)


class Choice(Content):
    """A name; empty for the default."""

    def tree(self, state: TrainingState) -> str:
        return str(getattr(state, self.attribute))

    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        setattr(state, self.attribute, tree if tree and tree != "eager" else "")

    def copy(self, state: TrainingState) -> Undo:
        value = getattr(state, self.attribute)
        return lambda: setattr(state, self.attribute, value)


class Counters(Content):
    """Integers by fixed names."""

    def tree(self, state: TrainingState) -> dict[str, int]:
        return dict(getattr(state, self.attribute))

    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        counters = getattr(state, self.attribute)
        counters.update({name: operator.index(tree[name]) for name in counters})

    def copy(self, state: TrainingState) -> Undo:
        counters = getattr(state, self.attribute)
        values = dict(counters)
        return lambda: counters.update(values)


class Networks(Content):
    """The networks, with their parameters and buffers."""

    def tree(self, state: TrainingState) -> dict[str, dict[str, Tensor]]:
        return {name: tensors_of(network) for name, network in state.networks.items()}

    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        for name, network in state.networks.items():
            put_tensors(network, tree[name])

    def live(self, state: TrainingState) -> Iterable[Tensor]:
        return [p for network in state.networks.values() for p in network.parameters()]

    def replaceable(self, state: TrainingState) -> Iterable[Tensor]:
        return [buffer for buffers in state.buffers.values() for buffer in buffers.content()]

    def copy(self, state: TrainingState) -> Undo:
        copies = [(buffers, buffers.copy()) for buffers in state.buffers.values() if buffers]

        def restore() -> None:
            for buffers, content in copies:
                buffers.put_back(content)
            for parameters in state.parameters.values():
                for parameter in parameters:
                    parameter.grad = None

        return restore


class Averages(Content):
    """The moving averages of networks, if any."""

    def tree(self, state: TrainingState) -> dict[str, dict[str, Tensor]]:
        return {name: tensors_of(average) for name, average in state.averages.items()}

    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        state.averages = {}
        for name, tensors in tree.items():
            state.start_average(name)
            put_tensors(state.averages[name], tensors)

    def live(self, state: TrainingState) -> Iterable[Tensor]:
        modules: Iterable[nn.Module] = state.averages.values()
        return [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]

    def made_of(self, state: TrainingState) -> tuple[Any, ...]:
        return tuple(state.averages.values())

    def copy(self, state: TrainingState) -> Undo:
        kept = state.averages
        return lambda: setattr(state, "averages", kept)


class Optimizers(Content):
    """The players' optimizers, by rule name, with their state of each parameter."""

    quantity = "an optimizer's memory"

    def tree(self, state: TrainingState) -> dict[str, dict[str, Any]]:
        return {
            player: {"name": state.optimizer_names[player], "memory": moments_of(optimizer)}
            for player, optimizer in state.optimizers.items()
        }

    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        state.optimizers = {}
        state.optimizer_names = {}
        for player, optimizer in tree.items():
            state.use_optimizer(player, optimizer["name"], settings)
            put_moments(state.optimizers[player], optimizer["memory"])

    def live(self, state: TrainingState) -> Iterable[Tensor]:
        memories = [memory for o in state.optimizers.values() for memory in o.state.values()]
        return [value for memory in memories for value in memory.values() if isinstance(value, Tensor)]

    def made_of(self, state: TrainingState) -> tuple[Any, ...]:
        optimizers = state.optimizers.values()
        return (*optimizers, *(len(optimizer.state) for optimizer in optimizers))

    def copy(self, state: TrainingState) -> Undo:
        optimizers, names = dict(state.optimizers), dict(state.optimizer_names)
        remembered = [(optimizer, len(optimizer.state)) for optimizer in optimizers.values()]

        def restore() -> None:
            for optimizer, count in remembered:
                for parameter in list(optimizer.state)[count:]:  # in insertion order
                    del optimizer.state[parameter]
            state.optimizers, state.optimizer_names = dict(optimizers), dict(names)

        return restore


class Randomness(Content):
    """Random generators, by purpose."""

    def tree(self, state: TrainingState) -> dict[str, Tensor]:
        return {purpose: generator.get_state() for purpose, generator in state.random.items()}

    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        state.random.put(tree)

    def copy(self, state: TrainingState) -> Undo:
        states = self.tree(state)
        return lambda: state.random.put(states)


class Memory(Content):
    """The game's own tensors, by name."""

    quantity = "a tensor of the game"

    def tree(self, state: TrainingState) -> dict[str, Tensor]:
        return dict(state.memory)

    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        with torch.no_grad():
            for name, tensor in state.memory.items():
                tensor.copy_(tree[name])

    def live(self, state: TrainingState) -> Iterable[Tensor]:
        return state.memory.values()

    def copy(self, state: TrainingState) -> Undo:
        return _nothing


class GradientFlags(Content):
    """Parameters whose ``requires_grad`` has changed since the run began, with their flags."""

    def tree(self, state: TrainingState) -> Mapping[str, Mapping[str, bool]]:
        return state.switched_gradients()

    def put(self, state: TrainingState, tree: Any, settings: Any) -> None:
        state.switch_gradients(tree)

    def copy(self, state: TrainingState) -> Undo:
        return _nothing  # no update changes them


def _nothing() -> None:
    pass
