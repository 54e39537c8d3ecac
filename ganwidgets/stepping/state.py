"""The bare training state: everything that decides how a run goes on, and nothing else."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganwidgets.optimizers import make_optimizer
from ganwidgets.seeds import seeded
from ganwidgets.stepping.buffers import Buffers
from ganwidgets.stepping.hand_edits import EditDetector
from ganwidgets.training_flags import TrainingFlags

__all__ = [
    "GENERATORS",
    "GradientFlags",
    "Network",
    "TrainingState",
    "copied_network",
    "moments_of",
    "put_moments",
    "put_tensors",
    "tensors_of",
]

Network = Literal["generator", "discriminator"]

GENERATORS = ("noise", "penalty", "network")
"""The purposes for which every training draws random numbers: latents, the gradient penalty's
interpolation, and randomness inside the networks; others join where they are needed. (The order of the data needs none: it is a
function of the seed and the number of samples seen.)"""


GradientFlags = dict[Network, dict[str, bool]]
"""``requires_grad`` of parameters, by network and name."""


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Return every parameter and buffer of `network`, by name, persistent or not."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def put_tensors(network: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Give the parameters and buffers of `network` these `values`; gradients are forgotten."""
    with torch.no_grad():
        for name, tensor in tensors_of(network).items():
            tensor.copy_(values[name])
            tensor.grad = None


def copied_network(network: nn.Module) -> nn.Module:
    """Return a copy of `network` that is not trained."""
    # Older spectral and weight normalisation leave computed tensors in their modules, which
    # cannot be copied deeply; they are computed anew when the copy is used.
    computed = {
        id(value): value.detach().clone()
        for module in network.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    copied = copy.deepcopy(network, computed).requires_grad_(False)
    for parameter in copied.parameters():
        parameter.grad = None
    return copied


@dataclass(eq=False)
class TrainingState:
    """Both networks, the generator's average, both optimizers, all randomness and the counters.

    Attributes
    ----------
    cursor : int
        Real samples drawn so far; the data's order is a function of this number, so a change of
        batch size neither skips nor repeats a sample.
    d_updates : int
        Updates of the discriminator since its last one with a lazy penalty, that one and skipped ones too;
        0 where the next one has it.
    ema : nn.Module or None
        The moving average of the generator, where one is kept.
    """

    generator: nn.Module
    discriminator: nn.Module
    seed: int
    device: torch.device
    iteration: int = 0
    cursor: int = 0
    d_updates: int = 0
    ema: nn.Module | None = None
    optimizers: dict[Network, torch.optim.Optimizer] = field(default_factory=dict)
    optimizer_names: dict[Network, str] = field(default_factory=dict)
    randomness: dict[str, torch.Generator] = field(init=False)

    def __post_init__(self) -> None:
        self.randomness = {purpose: seeded(self.seed, purpose) for purpose in GENERATORS}
        self.parameters: dict[Network, list[Tensor]] = {}
        self.buffers: dict[Network, Buffers] = {}
        self._with_gradients = self._gradient_flags()
        self._take_stock()

    def _gradient_flags(self) -> GradientFlags:
        return {
            network: {name: p.requires_grad for name, p in module.named_parameters()}
            for network, module in self._networks()
        }

    def _take_stock(self) -> None:
        """Find the tensors that updates change."""
        for name, module in self._networks():
            self.parameters[name] = [p for p in module.parameters() if p.requires_grad]
            self.buffers[name] = Buffers(module)
        vars(self).pop("training_flags", None)

    @functools.cached_property
    def edits(self) -> EditDetector:
        """What finds changes of the networks by hand."""
        return EditDetector(dict(self._networks()))

    def switched_gradients(self, flags: GradientFlags | None = None) -> GradientFlags:
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

    def trained_under(self, switched: GradientFlags) -> dict[Network, list[Tensor]]:
        """Return the parameters that are trained if `switched` is what :meth:`switched_gradients` returned."""
        return {
            network: [
                parameter
                for name, parameter in module.named_parameters()
                if switched.get(network, {}).get(name, self._with_gradients[network].get(name, True))
            ]
            for network, module in self._networks()
        }

    def switch_gradients(self, switched: GradientFlags) -> None:
        """Set ``requires_grad`` of every parameter to what it was when :meth:`switched_gradients` returned this."""
        wanted = self.trained_under(switched)
        for network, module in self._networks():
            trained = set(map(id, wanted[network]))
            for parameter in module.parameters():
                if parameter.requires_grad != (id(parameter) in trained):
                    parameter.requires_grad_(id(parameter) in trained)
        self._take_stock()

    def adopt_edits(self, settings: Any) -> None:
        """Train what the networks consist of now; optimizers keep what they know of parameters that stay."""
        before = dict(self.parameters)
        self._take_stock()
        for network, optimizer in list(self.optimizers.items()):
            if list(map(id, before[network])) == list(map(id, self.parameters[network])):
                continue
            self.use_optimizer(network, self.optimizer_names[network], settings)
            memory = self.optimizers[network].state
            for parameter in self.parameters[network]:
                if parameter in optimizer.state:
                    memory[parameter] = optimizer.state[parameter]

    @functools.cached_property
    def training_flags(self) -> TrainingFlags:
        """The training flags of both networks."""
        return TrainingFlags(module for _, module in self._networks())

    def _networks(self) -> Iterator[tuple[Network, nn.Module]]:
        yield "generator", self.generator
        yield "discriminator", self.discriminator

    def draw_for(self, purpose: str) -> torch.Generator:
        """Return the generator of random numbers for `purpose`, which is part of the state from now on."""
        if purpose not in self.randomness:
            self.randomness[purpose] = seeded(self.seed, purpose)
        return self.randomness[purpose]

    def put_randomness(self, states: Mapping[str, Tensor]) -> None:
        """Draw for exactly these purposes, each going on from a generator's state.

        Raises
        ------
        KeyError
            If a purpose is missing for which every training draws.
        """
        missing = set(GENERATORS) - set(states)
        if missing:
            raise KeyError(*missing)
        for purpose in set(self.randomness) - set(states):
            del self.randomness[purpose]
        for purpose, value in states.items():
            self.draw_for(purpose).set_state(value)

    def use_optimizer(self, network: Network, name: str, settings: Any) -> None:
        """Let `network` be trained by the optimizer `name`, starting without memory."""
        self.optimizers[network] = make_optimizer(name, self.parameters[network], settings)
        self.optimizer_names[network] = name

    def start_average(self) -> None:
        """Keep a moving average of the generator from now on, beginning where it stands."""
        self.ema = copied_network(self.generator)

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks by name, the average among them where there is one."""
        found: dict[str, nn.Module] = {}
        found.update(self._networks())
        return {**found, "ema": self.ema} if self.ema is not None else found

    def weights_finite(self) -> bool:
        """Return True if all parameters and buffers of both networks are finite numbers."""
        return _all_finite(t for _, module in self._networks() for t in tensors_of(module).values())

    def finite(self) -> bool:
        """Return True if all parameters, buffers and optimizers' memories are finite numbers."""
        memories = (
            value for optimizer in self.optimizers.values() for value in moments_of(optimizer).values()
        )
        return self.weights_finite() and _all_finite(m for m in memories if isinstance(m, Tensor))


def _all_finite(tensors: Iterable[Tensor]) -> bool:
    with torch.no_grad():
        return all(bool(tensor.isfinite().all()) for tensor in tensors if tensor.is_floating_point())


def moments_of(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return an optimizer's memory, not copied, as ``{"<parameter's index>.<name>": value}``."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return {
        f"{index}.{name}": value
        for index, parameter in enumerate(parameters)
        for name, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def put_moments(optimizer: torch.optim.Optimizer, moments: Mapping[str, Any]) -> None:
    """Replace an optimizer's memory by copies of `moments`.

    Raises
    ------
    ValueError
        If they belong to other parameters.
    """
    optimizer.state.clear()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for key, value in moments.items():
        index, name = key.split(".", 1)
        parameter = parameters[int(index)]
        kept = value
        if isinstance(value, Tensor):
            if value.dim() and value.shape != parameter.shape:
                raise ValueError(f"{key} has shape {tuple(value.shape)}, not {tuple(parameter.shape)}")
            # A step count is a scalar on the CPU or the device, as its optimizer made it.
            on_cpu = value.dim() == 0 and not optimizer.param_groups[0].get("fused")
            kept = value.detach().clone().to("cpu" if on_cpu else parameter.device)
            if (
                value.dim() and kept.stride() != parameter.stride()
            ):  # the fused rules trust that it lies alike
                kept = torch.empty_like(parameter, dtype=value.dtype).copy_(kept)
        optimizer.state[parameter][name] = kept
