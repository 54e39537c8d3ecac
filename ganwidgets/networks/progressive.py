"""Networks that grow while they train, for square images of 8 to 128 pixels a side.

Karras et al., "Progressive growing of GANs for improved quality, stability, and variation", 2018, sections 2 to 4.
All layers exist from the start. The buffer `level` says how many doublings of the coarsest resolution take part; a
fraction says how far the newest one has faded in. Both networks take and return images of the full side: a
generator repeats pixels, a discriminator averages them. So a change of level changes no shape.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.networks.conditioning import embedding_width
from ganwidgets.networks.convolutions import begin
from ganwidgets.networks.equalized import (
    DoublingBlock,
    EqualizedConv2d,
    EqualizedLinear,
    FirstBlock,
    HalvingBlock,
    LastBlock,
    activated,
    doubled,
    halved,
    widths_by_level,
)
from ganwidgets.networks.spec import NetworkSpec, refuse_unless_square
from ganwidgets.networks.stylegan3.discriminator import minibatch_deviation

__all__ = [
    "SIDES",
    "GrowingDiscriminator",
    "GrowingGenerator",
    "GrowingNetwork",
    "build",
    "level_at",
    "levels_of",
]

SIDES = (2, 4, 8, 16, 32, 64, 128)
"""Sides of all resolutions that such networks can have, in pixels."""

GROUP = 4
"""Samples whose deviation the discriminator sees."""


def levels_of(side: int) -> int:
    """Return the number of resolutions: 4, 8, ... `side`, and 2, 4, 8 for a side of 8.

    >>> levels_of(32)
    4
    """
    return int(math.log2(side)) - 1 if side > 8 else 3


def level_at(samples: int, per_phase: int, unlocked: float, levels: int) -> float:
    """Return the level after a number of real samples, in [0, levels - 1].

    A level is trained for `per_phase` samples, then the next one fades in during as many, and so on (section 2).

    Parameters
    ----------
    samples : int
        Real samples seen.
    per_phase : int
        Samples of a phase; 0 for no schedule.
    unlocked : float
        Levels that the user added to the schedule.
    levels : int
        Resolutions of the networks.

    Examples
    --------
    >>> [level_at(n, 100, 0.0, 4) for n in (0, 100, 150, 200, 350)]
    [0.0, 0.0, 0.5, 1.0, 1.5]
    """
    scheduled = 0.0
    if per_phase:
        whole, rest = divmod(samples, 2 * per_phase)
        scheduled = whole + max(rest - per_phase, 0) / per_phase
    return min(scheduled + unlocked, levels - 1.0)


class GrowingNetwork(nn.Module):
    """What both networks share.

    Parameters
    ----------
    side : int
        Of the images, in pixels.

    Attributes
    ----------
    levels : int
        Resolutions.
    level : Tensor, float32 ()
        Doublings in force, at most ``levels - 1``.
    """

    level: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side, self.levels = side, levels_of(side)
        self.start = side >> (self.levels - 1)
        self.register_buffer("level", torch.zeros(()))

    def grow(self, level: float) -> None:
        """Put `level` in force."""
        self.level.fill_(level)

    def split_level(self) -> tuple[int, float]:
        """Return the finest resolution that has faded in entirely, and the share of the next."""
        level = min(max(float(self.level), 0.0), self.levels - 1.0)
        whole = int(level)
        return whole, level - whole

    def faded(self, real: Tensor) -> Tensor:
        """Return real images [N, C, side, side] with the detail of the level in force.

        While a resolution fades in, they are a mixture of that resolution and the one before (appendix A).
        """
        whole, alpha = self.split_level()
        finest = whole + (alpha > 0)
        factor = 2 ** (self.levels - 1 - finest)
        seen = halved(real, factor)
        if alpha > 0:
            seen = doubled(halved(seen)).lerp(seen, alpha)
        return doubled(seen, factor)


class GrowingGenerator(GrowingNetwork):
    """From latents to images.

    Parameters
    ----------
    latent_dim, channels, image_channels, side, classes : int
        Of the latents, of the finest layers, of the images, and the number of labels.
    """

    def __init__(self, latent_dim: int, channels: int, image_channels: int, side: int, classes: int) -> None:
        super().__init__(side)
        widths = widths_by_level(self.levels, channels)
        width = embedding_width(classes)
        self.embedding = nn.Embedding(classes, width) if classes else None
        blocks: list[nn.Module] = [FirstBlock(latent_dim + width, widths[0], self.start)]
        blocks += [DoublingBlock(one, other) for one, other in pairwise(widths)]
        self.blocks = nn.ModuleList(blocks)
        self.to_rgb = nn.ModuleList([EqualizedConv2d(n, image_channels, 1, gain=1.0) for n in widths])

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return images [N, C, side, side] from z [N, latent_dim] and, if conditional, labels int64 [N]."""
        if self.embedding is not None:
            z = torch.cat([z.flatten(1), self.embedding(labels)], 1)
        whole, alpha = self.split_level()
        x: Tensor = z
        for block in self.blocks[: whole + 1]:
            x = block(x)
        image: Tensor = self.to_rgb[whole](x)
        if alpha > 0:
            finer = self.to_rgb[whole + 1](self.blocks[whole + 1](x))
            image = doubled(image).lerp(finer, alpha)
        return doubled(image, self.side // image.shape[2])


class GrowingDiscriminator(GrowingNetwork):
    """From images to logits; parameters are those of :class:`GrowingGenerator`."""

    def __init__(self, channels: int, image_channels: int, side: int, classes: int) -> None:
        super().__init__(side)
        widths = widths_by_level(self.levels, channels)
        self.from_rgb = nn.ModuleList([EqualizedConv2d(image_channels, n, 1) for n in widths])
        self.blocks = nn.ModuleList([HalvingBlock(fine, fine, coarse) for coarse, fine in pairwise(widths)])
        self.last = LastBlock(widths[0] + 1, widths[0], self.start)
        self.out = EqualizedLinear(widths[0], 1, gain=1.0)
        self.embedding = nn.Embedding(classes, widths[0]) if classes else None

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits [N, 1] from images [N, C, side, side] and, if conditional, labels int64 [N]."""
        whole, alpha = self.split_level()
        finest = whole + (alpha > 0)
        image = halved(x, 2 ** (self.levels - 1 - finest))
        features: Tensor = activated(self.from_rgb[finest](image))
        if alpha > 0:
            features = self.blocks[whole](features)
            features = activated(self.from_rgb[whole](halved(image))).lerp(features, alpha)
        for level in range(whole - 1, -1, -1):
            features = self.blocks[level](features)
        features = self.last(minibatch_deviation(features, GROUP, 1))
        logits: Tensor = self.out(features)
        if self.embedding is not None:
            logits = logits + (features * self.embedding(labels)).sum(1, keepdim=True)
        return logits


def build(plan: NetworkSpec, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """Return a generator and a discriminator; see :func:`build_networks`."""
    side = refuse_unless_square("progressive", plan.shape)
    with torch.device("meta"):
        networks = (
            GrowingGenerator(plan.latent_dim, plan.channels, plan.shape[0], side, plan.classes),
            GrowingDiscriminator(plan.channels, plan.d_shape[0], side, plan.classes),
        )
    for network in networks:
        begin(network, generator, draw_weight)
        network.grow(0.0)
    return networks


def draw_weight(weight: Tensor, generator: torch.Generator) -> Any:
    """Draw a weight from N(0, 1) (section 4.1)."""
    return weight.normal_(generator=generator)
