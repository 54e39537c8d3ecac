"""The training state of any game: everything that decides how a run continues, and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.games.game import Game
from ganwidgets.optimizers import make_optimizer
from ganwidgets.seeds import seeded
from ganwidgets.stepping.content import (
    Averages,
    Choice,
    Content,
    Counter,
    Counters,
    GradientFlags,
    Memory,
    Networks,
    Optimizers,
    Randomness,
    Undo,
)
from ganwidgets.stepping.edits.hand_edits import EditDetector
from ganwidgets.stepping.modules.buffers import Buffers
from ganwidgets.stepping.modules.tensors import all_finite, copied_network
from ganwidgets.training_flags import TrainingFlags

__all__ = ["CONTENT", "Flags", "Generators", "TrainingState"]

CONTENT: tuple[Content, ...] = (
    GradientFlags("requires_grad"),  # first, because optimizers are made for the parameters that are trained
    Counter("iteration"),
    Counters("cursors"),
    Counters("counts"),
    Networks("networks"),
    Averages("averages"),
    Optimizers("optimizers"),
    Randomness("random", "randomness"),
    Memory("memory"),
    Choice("stepper"),
)
"""All content of a training state, in restore order."""

DRAWING = frozenset({"cursors", "counts", "random"})
"""Parts that decide the draws of the next update."""

OPTIONAL = frozenset({"requires_grad", "stepper"})
"""Optional parts of a tree, empty if missing."""

Flags = Mapping[str, Mapping[str, bool]]
"""``requires_grad`` of parameters, by network and name."""


class Generators(dict[str, torch.Generator]):
    """CPU generators by purpose; a missing one is made from the run's seed at its first use.

    Parameters
    ----------
    seed : int
    purposes : iterable of str
        Those that every state has.
    """

    def __init__(self, seed: int, purposes: Iterable[str]) -> None:
        super().__init__({purpose: seeded(seed, purpose) for purpose in purposes})
        self.always = tuple(self)
        self._seed = seed

    def __missing__(self, purpose: str) -> torch.Generator:
        self[purpose] = generator = seeded(self._seed, purpose)
        return generator

    def put(self, states: Mapping[str, Tensor]) -> None:
        """Restore exactly these purposes, each from a generator's state.

        Raises
        ------
        KeyError
            If a purpose is missing that every state has.
        """
        missing = set(self.always) - set(states)
        if missing:
            raise KeyError(*missing)
        for purpose in self.keys() - states.keys():
            del self[purpose]
        for purpose, state in states.items():
            self[purpose].set_state(state)


@dataclass(eq=False)
class TrainingState:
    """The networks of a game, their averages, optimizers, random generators, counters and own tensors.

    Attributes
    ----------
    networks : dict of str to nn.Module
    memory : dict of str to Tensor
        The game's own tensors; shapes and dtypes never change.
    iteration : int
        Full steps so far.
    stepper : str
        What carries out full steps: empty for PyTorch, operator by operator, otherwise the key of a
        :class:`~ganwidgets.stepping.compiled.plan.StepPlan`.
    cursors : dict of str to int
        Samples drawn from each stream. The order of the data is a function of this number, so a change of the
        batch size neither skips nor repeats a sample.
    counts : dict of str to int
        Updates of each player since the last multiple of its :meth:`~ganwidgets.games.game.Game.period`.
    averages : dict of str to nn.Module
        Moving averages, by the name of the network they follow; replaced as a whole, never changed in place.
    optimizers : dict of str to Optimizer
        By the name of the player; so are `optimizer_names`.
    random : Generators
        The purpose ``"network"`` serves randomness inside the networks.
    parameters : dict of str to list of Tensor
        The trained parameters of each player.
    infinite : dict of str to set of str
        The buffers of each network that hold infinities from the start, such as a mask of attention. They may go on
        holding them; all other numbers must stay finite.
    """

    game: Game
    networks: dict[str, nn.Module]
    seed: int
    device: torch.device
    memory: dict[str, Tensor] = field(default_factory=dict)
    iteration: int = 0
    stepper: str = ""
    cursors: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    averages: dict[str, nn.Module] = field(default_factory=dict)
    optimizers: dict[str, torch.optim.Optimizer] = field(default_factory=dict)
    optimizer_names: dict[str, str] = field(default_factory=dict)
    random: Generators = field(init=False)

    def __post_init__(self) -> None:
        game = self.game
        self.memory = {name: tensor.to(self.device) for name, tensor in self.memory.items()}
        self.cursors = {stream.name: self.cursors.get(stream.name, 0) for stream in game.streams}
        self.counts = {player.name: self.counts.get(player.name, 0) for player in game.players}
        self.random = Generators(self.seed, (*game.purposes, "network"))
        self.parameters: dict[str, list[Tensor]] = {}
        self.buffers: dict[str, Buffers] = {}
        self._with_gradients = self._gradient_flags()
        self.infinite = {name: _infinite_buffers(network) for name, network in self.networks.items()}
        self._take_stock()

    @property
    def samples_seen(self) -> int:
        """Real samples drawn so far, from all streams together."""
        return sum(self.cursors.values())

    def _gradient_flags(self) -> dict[str, dict[str, bool]]:
        return {
            name: {key: p.requires_grad for key, p in network.named_parameters()}
            for name, network in self.networks.items()
        }

    def _take_stock(self) -> None:
        """Find the tensors that updates change."""
        self.parameters = self._parameters_of_players(self._gradient_flags())
        self.buffers = {name: Buffers(network) for name, network in self.networks.items()}
        vars(self).pop("training_flags", None)

    def _parameters_of_players(self, flags: Flags) -> dict[str, list[Tensor]]:
        return {
            player.name: [
                parameter
                for network in player.networks
                for name, parameter in self.networks[network].named_parameters()
                if flags[network][name]
            ]
            for player in self.game.players
        }

    def _flags_under(self, switched: Flags) -> dict[str, dict[str, bool]]:
        """Return all flags from the result `switched` of :meth:`switched_gradients`."""
        return {
            network: {
                name: switched.get(network, {}).get(name, self._with_gradients[network].get(name, True))
                for name in names
            }
            for network, names in self._gradient_flags().items()
        }

    # --- changes by the user --------------------------------------------------------------------

    @functools.cached_property
    def edits(self) -> EditDetector:
        """Detector of changes of the networks by the user."""
        return EditDetector(self.networks)

    def switched_gradients(self, flags: Flags | None = None) -> dict[str, dict[str, bool]]:
        """Return the parameters whose ``requires_grad`` is not what it was when the run began.

        Parameters
        ----------
        flags : mapping, optional
            By network and name, instead of those of the networks as they are.
        """
        now = self._gradient_flags() if flags is None else flags
        switched = {
            network: {name: flag for name, flag in now[network].items() if flag != begun.get(name, flag)}
            for network, begun in self._with_gradients.items()
        }
        return {network: names for network, names in switched.items() if names}

    def trained_under(self, switched: Flags) -> dict[str, list[Tensor]]:
        """Return each player's parameters that are trained if :meth:`switched_gradients` returned `switched`."""
        return self._parameters_of_players(self._flags_under(switched))

    def switch_gradients(self, switched: Flags) -> None:
        """Set ``requires_grad`` of every parameter to what it was when :meth:`switched_gradients` returned this."""
        wanted = self._flags_under(switched)
        for name, network in self.networks.items():
            for key, parameter in network.named_parameters():
                if parameter.requires_grad != wanted[name][key]:
                    parameter.requires_grad_(wanted[name][key])
        self._take_stock()

    def adopt_edits(self, settings: Any) -> None:
        """Train what the networks consist of now; optimizers keep what they know of parameters that stay."""
        before = dict(self.parameters)
        self._take_stock()
        for player, optimizer in list(self.optimizers.items()):
            if list(map(id, before[player])) == list(map(id, self.parameters[player])):
                continue
            self.use_optimizer(player, self.optimizer_names[player], settings)
            memory = self.optimizers[player].state
            for parameter in self.parameters[player]:
                if parameter in optimizer.state:
                    memory[parameter] = optimizer.state[parameter]

    # --- updates --------------------------------------------------------------------------------

    @functools.cached_property
    def training_flags(self) -> TrainingFlags:
        """The training flags of all networks."""
        return TrainingFlags(self.networks.values())

    def use_optimizer(self, player: str, name: str, settings: Any) -> None:
        """Give `player` a new optimizer, without state."""
        self.optimizers[player] = make_optimizer(name, self.parameters[player], settings)
        self.optimizer_names[player] = name

    def start_average(self, network: str) -> None:
        """Keep a moving average of `network` from now on, starting at its present weights."""
        self.averages = {**self.averages, network: copied_network(self.networks[network])}

    def end_average(self, network: str) -> None:
        """Keep no moving average of `network` any more."""
        self.averages = {name: average for name, average in self.averages.items() if name != network}

    def averaged(self, name: str) -> nn.Module:
        """Return the average of a network, or the network itself without an average."""
        return self.averages.get(name, self.networks[name])

    def copy_drawing(self) -> Undo:
        """Copy everything that decides the draws of the next update; return a function that restores it."""
        copies = [content.copy(self) for content in CONTENT if content.attribute in DRAWING]

        def restore() -> None:
            for undo in copies:
                undo()

        return restore

    # --- as a whole -----------------------------------------------------------------------------

    def tree(self) -> dict[str, Any]:
        """Return the state as nested dictionaries of tensors, not copied, and plain values: all that it holds."""
        found = {content.key: content.tree(self) for content in CONTENT}
        return {key: part for key, part in found.items() if part or key not in OPTIONAL}

    def put_tree(self, tree: Mapping[str, Any], settings: Any) -> None:
        """Restore what :meth:`tree` returned for a state of the same game.

        Parameters
        ----------
        settings
            Hyperparameters of the optimizers that are made.

        Raises
        ------
        Exception
            Of many kinds, if `tree` belongs to other networks or is no tree; the state is then inconsistent, and
            must be restored again.
        """
        for content in CONTENT:
            part = tree.get(content.key, {}) if content.key in OPTIONAL else tree[content.key]
            content.put(self, part, settings)

    def not_finite(self) -> str | None:
        """Return the name of the first part of the state with a non-finite number; None if all are finite."""
        return next((content.quantity for content in CONTENT if not all_finite(self._numbers(content))), None)

    def finite(self) -> bool:
        """Return True if every number in the state is finite."""
        return self.not_finite() is None

    def _numbers(self, content: Content) -> Iterator[Tensor]:
        excepted = self.may_be_infinite()
        for tensor in (*content.live(self), *content.replaceable(self)):
            if id(tensor) not in excepted:
                yield tensor

    def may_be_infinite(self) -> set[int]:
        """Return the identities of the tensors named by `infinite`, in the networks and in their averages."""
        if not any(self.infinite.values()):
            return set()
        return {
            id(buffer)
            for modules in (self.networks, self.averages)
            for name, network in modules.items()
            for path, buffer in network.named_buffers()
            if path in self.infinite[name]
        }


def _infinite_buffers(network: nn.Module) -> set[str]:
    """Return the names of the buffers that hold infinities, and no NaN."""
    return {
        path
        for path, buffer in network.named_buffers()
        if buffer.is_floating_point() and bool(buffer.isinf().any()) and not bool(buffer.isnan().any())
    }
