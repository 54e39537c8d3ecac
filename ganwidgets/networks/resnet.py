"""Residual networks in the manner of SNGAN, for square images of 8 to 128 pixels a side.

Miyato et al., "Spectral normalization for generative adversarial networks", 2018, appendix B.4: blocks of two 3x3
convolutions beside a shortcut; the generator doubles its pictures by repeating pixels and has norms, the
discriminator halves them by averages and has none; its features are summed over the picture. Weights begin as there,
Glorot's uniform distribution, wider by the square root of 2 inside the blocks.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from ganwidgets.networks.layers.conditioning import Labelled, Projection, embedding_width
from ganwidgets.networks.layers.convolutions import begin, norm_layer, widths_of
from ganwidgets.networks.spec import HALVED_SIDES, NetworkSpec, refuse_unless_square

__all__ = ["build"]


def build(plan: NetworkSpec, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """Return a generator and a discriminator; see :func:`build_networks`."""
    side = refuse_unless_square("resnet", plan.shape, HALVED_SIDES)
    with torch.device("meta"):
        networks = _generator(plan, side), _discriminator(plan, side)
    for network in networks:
        begin(network, generator, _begin_weight)
    return networks


def _begin_weight(weight: Tensor, generator: torch.Generator) -> None:
    inside_a_block = weight.ndim == 4 and weight.shape[-1] == 3
    nn.init.xavier_uniform_(weight, gain=math.sqrt(2) if inside_a_block else 1.0, generator=generator)


class UpBlock(nn.Module):
    """Doubles an image; ``[N, C, H, W]`` becomes ``[N, out, 2H, 2W]``."""

    def __init__(self, channels: int, out: int, norm: str) -> None:
        super().__init__()
        self.norms = nn.ModuleList([norm_layer(norm, channels), norm_layer(norm, out)])
        self.convolutions = nn.ModuleList([nn.Conv2d(channels, out, 3, 1, 1), nn.Conv2d(out, out, 3, 1, 1)])
        self.shortcut = nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        way = self.convolutions[0](_doubled(self.norms[0](x).relu()))
        way = self.convolutions[1](self.norms[1](way).relu())
        # A 1x1 convolution commutes with repeating pixels, and this order needs a quarter of the operations.
        shorter: Tensor = way + _doubled(self.shortcut(x))
        return shorter


class DownBlock(nn.Module):
    """Halves an image; ``[N, C, H, W]`` becomes ``[N, out, H/2, W/2]``.

    Parameters
    ----------
    first : bool
        True if its input is the image itself, whose negative values a ReLU would cut off.
    """

    def __init__(self, channels: int, out: int, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.convolutions = nn.ModuleList([nn.Conv2d(channels, out, 3, 1, 1), nn.Conv2d(out, out, 3, 1, 1)])
        self.shortcut = nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        way = self.convolutions[0](x if self.first else x.relu())
        way = self.convolutions[1](way.relu())
        halved: Tensor = avg_pool2d(way, 2) + self.shortcut(avg_pool2d(x, 2))
        return halved


class SummedOver(nn.Module):
    """Sums features over pixels: ``[N, C, H, W]`` becomes ``[N, C]``."""

    def forward(self, x: Tensor) -> Tensor:
        return x.relu().sum((2, 3))


def _doubled(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2, mode="nearest")


def _generator(plan: NetworkSpec, side: int) -> nn.Module:
    label = embedding_width(plan.classes)
    start, widths = widths_of(side, plan.channels)
    blocks = [UpBlock(wide, narrow, plan.norm) for wide, narrow in pairwise(widths[::-1])]
    body = nn.Sequential(
        nn.Linear(plan.latent_dim + label, widths[-1] * start * start),
        nn.Unflatten(1, (widths[-1], start, start)),
        *blocks,
        UpBlock(widths[0], widths[0], plan.norm),
        norm_layer(plan.norm, widths[0]),
        nn.ReLU(),
        nn.Conv2d(widths[0], plan.shape[0], 3, 1, 1),
        nn.Tanh(),
    )
    return Labelled(body, plan.classes, label) if plan.classes else body


def _discriminator(plan: NetworkSpec, side: int) -> nn.Module:
    _, widths = widths_of(side, plan.channels)
    channels = [plan.d_shape[0], *widths]
    blocks = [
        DownBlock(before, after, first=number == 0)
        for number, (before, after) in enumerate(pairwise(channels))
    ]
    features, head = nn.Sequential(*blocks, SummedOver()), nn.Linear(widths[-1], 1)
    if plan.classes:
        return Projection(features, head, plan.classes, widths[-1])
    return nn.Sequential(features, head)
