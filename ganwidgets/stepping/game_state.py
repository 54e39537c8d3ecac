"""The training state of any game: everything that decides how a run goes on, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.games.game import Game
from ganwidgets.optimizers import make_optimizer
from ganwidgets.seeds import seeded
from ganwidgets.stepping.buffers import Buffers
from ganwidgets.stepping.state import copied_network, moments_of, put_moments, put_tensors, tensors_of

__all__ = ["GameState", "Generators", "tree_of"]


class Generators(dict[str, torch.Generator]):
    """CPU generators by purpose; one that is missing is made from the run's seed at its first use."""

    def __init__(self, seed: int, purposes: Iterable[str] = ()) -> None:
        super().__init__({purpose: seeded(seed, purpose) for purpose in purposes})
        self._seed = seed

    def __missing__(self, purpose: str) -> torch.Generator:
        self[purpose] = generator = seeded(self._seed, purpose)
        return generator


@dataclass(eq=False)
class GameState:
    """The networks of a game, their averages, optimizers, random generators, counters and own tensors.

    Attributes
    ----------
    networks : dict of str to nn.Module
    averages : dict of str to nn.Module
        Moving averages, by the name of the network they follow; empty while none is kept.
    optimizers : dict of str to Optimizer
        By the name of the player; so are `optimizer_names` and `counts`.
    counts : dict of str to int
        Updates of each player since the last multiple of its :meth:`Game.period`.
    cursors : dict of str to int
        Samples drawn from each stream.
    memory : dict of str to Tensor
        The game's own tensors; shapes and dtypes never change.
    random : Generators
        The purpose ``"network"`` serves randomness inside the networks.
    """

    game: Game
    networks: dict[str, nn.Module]
    seed: int
    device: torch.device
    memory: dict[str, Tensor] = field(default_factory=dict)
    iteration: int = 0
    averages: dict[str, nn.Module] = field(default_factory=dict)
    optimizers: dict[str, torch.optim.Optimizer] = field(default_factory=dict)
    optimizer_names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.memory = {name: tensor.to(self.device) for name, tensor in self.memory.items()}
        self.counts = {player.name: 0 for player in self.game.players}
        self.cursors = {stream.name: 0 for stream in self.game.streams}
        self.random = Generators(self.seed, (*self.game.purposes, "network"))
        self.buffers = {name: Buffers(network) for name, network in self.networks.items()}
        self.parameters: dict[str, list[Tensor]] = {
            player.name: [
                p for n in player.networks for p in self.networks[n].parameters() if p.requires_grad
            ]
            for player in self.game.players
        }

    def use_optimizer(self, player: str, name: str, settings: Any) -> None:
        """Give `player` a new optimizer, without state."""
        self.optimizers[player] = make_optimizer(name, self.parameters[player], settings)
        self.optimizer_names[player] = name

    def start_average(self, network: str) -> None:
        """Keep a moving average of `network` from now on, starting at its present weights."""
        self.averages[network] = copied_network(self.networks[network])

    def put_tree(self, tree: Mapping[str, Any], settings: Any) -> None:
        """Restore what :func:`tree_of` returned for a state of the same game.

        Parameters
        ----------
        settings
            Hyperparameters of the optimizers that are made.

        Raises
        ------
        KeyError, ValueError
            If `tree` belongs to other networks; the state is then inconsistent, and must be restored again.
        """
        self.averages.clear()
        for name in tree["averages"]:
            self.start_average(name)
            put_tensors(self.averages[name], tree["averages"][name])
        for name, network in self.networks.items():
            put_tensors(network, tree["networks"][name])
        self.optimizers.clear()
        self.optimizer_names.clear()
        for player, optimizer in tree["optimizers"].items():
            self.use_optimizer(player, optimizer["name"], settings)
            put_moments(self.optimizers[player], optimizer["memory"])
        for purpose in self.random.keys() - tree["randomness"].keys():
            del self.random[purpose]
        for purpose, state in tree["randomness"].items():
            self.random[purpose].set_state(state)
        for name, tensor in self.memory.items():
            tensor.copy_(tree["memory"][name])
        self.iteration = tree["iteration"]
        self.counts.update(tree["counts"])
        self.cursors.update(tree["cursors"])


def tree_of(state: GameState) -> dict[str, Any]:
    """Return a state as nested dictionaries of tensors, not copied, and plain values: all that a state holds."""
    return {
        "game": state.game.name,
        "iteration": state.iteration,
        "cursors": dict(state.cursors),
        "counts": dict(state.counts),
        "networks": {name: tensors_of(network) for name, network in state.networks.items()},
        "averages": {name: tensors_of(network) for name, network in state.averages.items()},
        "optimizers": {
            player: {"name": state.optimizer_names[player], "memory": moments_of(optimizer)}
            for player, optimizer in state.optimizers.items()
        },
        "randomness": {purpose: generator.get_state() for purpose, generator in state.random.items()},
        "memory": dict(state.memory),
    }
