"""Fully connected networks, for points and for small images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import nn

from ganwidgets.networks.layers.conditioning import Labelled, embedding_width
from ganwidgets.networks.spec import NetworkSpec

__all__ = ["ACTIVATIONS", "build"]

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(0.2),
        "tanh": nn.Tanh,
        "gelu": nn.GELU,
    }
)
"""Activations by name in the settings."""


def build(plan: NetworkSpec, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """Return a fully connected generator and discriminator; see :func:`build_networks`."""
    features = math.prod(plan.shape)
    label = embedding_width(plan.classes)
    g_layers = _stack((plan.latent_dim + label, *plan.g_hidden, features), plan.activation, generator)
    d_layers = _stack((math.prod(plan.d_shape) + label, *plan.d_hidden, 1), plan.activation, generator)
    if plan.bounded:  # the range of tanh
        g_layers.append(nn.Tanh())
    if plan.shape != (features,):
        g_layers.append(nn.Unflatten(1, plan.shape))
        d_layers = [nn.Flatten(), *d_layers]
    networks = nn.Sequential(*g_layers), nn.Sequential(*d_layers)
    if not plan.classes:
        return networks
    return _labelled(networks[0], plan.classes, generator), _labelled(networks[1], plan.classes, generator)


def _labelled(body: nn.Module, classes: int, generator: torch.Generator) -> Labelled:
    with torch.device("meta"):
        network = Labelled(nn.Identity(), classes, embedding_width(classes))
    network.embedding.to_empty(device=generator.device)
    nn.init.normal_(network.embedding.weight, generator=generator)
    network.body = body
    return network


def _stack(widths: Iterable[int], activation: str, generator: torch.Generator) -> list[nn.Module]:
    """Return linear layers with these widths, with an activation between each two."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        if layers:
            layers.append(ACTIVATIONS[activation]())
        layers.append(_linear(fan_in, fan_out, generator))
    return layers


def _linear(fan_in: int, fan_out: int, generator: torch.Generator) -> nn.Linear:
    """Return a linear layer with weights and biases uniform in [-1/sqrt(fan_in), 1/sqrt(fan_in)].

    This is `nn.Linear`'s own distribution. But `nn.Linear` draws from torch's global generator, so the layer is first
    made on the meta device, without values.
    """
    layer: nn.Linear = nn.Linear(fan_in, fan_out, device="meta").to_empty(device=generator.device)
    bound = 1 / math.sqrt(fan_in)
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer
