"""Fully connected networks, for points and for small images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import nn

__all__ = ["ACTIVATIONS", "build"]

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(0.2),
        "tanh": nn.Tanh,
        "gelu": nn.GELU,
    }
)
"""What may follow a hidden layer, by its name in the settings."""


def build(
    shape: tuple[int, ...],
    latent_dim: int,
    g_hidden: tuple[int, ...],
    d_hidden: tuple[int, ...],
    activation: str,
    generator: torch.Generator,
) -> tuple[nn.Sequential, nn.Sequential]:
    """Return a fully connected generator and discriminator; see :func:`build_networks`."""
    features = math.prod(shape)
    g_layers = _stack((latent_dim, *g_hidden, features), activation, generator)
    d_layers = _stack((features, *d_hidden, 1), activation, generator)
    if shape != (features,):
        # Images train within [-1, 1], which tanh spans; points may lie anywhere.
        g_layers = [*g_layers, nn.Tanh(), nn.Unflatten(1, shape)]
        d_layers = [nn.Flatten(), *d_layers]
    return nn.Sequential(*g_layers), nn.Sequential(*d_layers)


def _stack(widths: Iterable[int], activation: str, generator: torch.Generator) -> list[nn.Module]:
    """Return linear layers from width to width, an activation between each two of them."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        if layers:
            layers.append(ACTIVATIONS[activation]())
        layers.append(_linear(fan_in, fan_out, generator))
    return layers


def _linear(fan_in: int, fan_out: int, generator: torch.Generator) -> nn.Linear:
    """Return a linear layer with weights and biases even between -1/sqrt(fan_in) and 1/sqrt(fan_in).

    The distribution is `nn.Linear`'s own; but that draws from torch's global generator, so the
    layer is first made on the meta device, which has no values.
    """
    layer: nn.Linear = nn.Linear(fan_in, fan_out, device="meta").to_empty(device=generator.device)
    bound = 1 / math.sqrt(fan_in)
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer
