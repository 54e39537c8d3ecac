"""Common parts of progressive networks and MSG-GAN: sizes, layers of a generator, D's logits."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.networks.layers.conditioning import embedding_width
from ganwidgets.networks.layers.equalized import (
    DoublingBlock,
    EqualizedConv2d,
    EqualizedLinear,
    FirstBlock,
    LastBlock,
    widths_by_level,
)
from ganwidgets.networks.stylegan3.discriminator import minibatch_deviation

__all__ = [
    "SIDES",
    "PyramidDiscriminator",
    "PyramidGenerator",
    "draw_weight",
    "levels_of",
    "with_deviation",
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


def draw_weight(weight: Tensor, generator: torch.Generator) -> Any:
    """Draw a weight from N(0, 1) (Karras et al. 2018, section 4.1)."""
    return weight.normal_(generator=generator)


def with_deviation(features: Tensor) -> Tensor:
    """Return features [N, C, H, W] with the deviation within groups of the batch as one more map, [N, C + 1, H, W]."""
    return minibatch_deviation(features, GROUP, 1)


class PyramidGenerator(nn.Module):
    """The layers of a generator with a block and an image layer for each resolution.

    Parameters
    ----------
    latent_dim, channels, image_channels, side, classes : int
        Of the latents, of the finest layers, of the images, and the number of labels.
    """

    def __init__(self, latent_dim: int, channels: int, image_channels: int, side: int, classes: int) -> None:
        super().__init__()
        self.side, self.levels = side, levels_of(side)
        self.start = side >> (self.levels - 1)
        widths = widths_by_level(self.levels, channels)
        width = embedding_width(classes)
        self.embedding = nn.Embedding(classes, width) if classes else None
        blocks: list[nn.Module] = [FirstBlock(latent_dim + width, widths[0], self.start)]
        blocks += [DoublingBlock(one, other) for one, other in pairwise(widths)]
        self.blocks = nn.ModuleList(blocks)
        self.to_rgb = nn.ModuleList([EqualizedConv2d(n, image_channels, 1, gain=1.0) for n in widths])

    def latents(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Return what the first block takes: z [N, latent_dim], joined by the embedding of labels int64 [N]."""
        if self.embedding is None:
            return z
        return torch.cat([z.flatten(1), self.embedding(labels)], 1)


class PyramidDiscriminator(nn.Module):
    """The layers of a discriminator with a block for each resolution; subclasses decide what enters each block.

    Parameters
    ----------
    from_rgb : nn.Module
        From images to features.
    blocks : nn.ModuleList
        From each resolution to the next coarser one.
    channels, width : int
        Feature maps that enter the last block, without the deviation; features that leave it.
    side, classes : int
        Of the images in pixels; number of labels.
    """

    def __init__(
        self, from_rgb: nn.Module, blocks: nn.ModuleList, channels: int, width: int, side: int, classes: int
    ) -> None:
        super().__init__()
        self.side, self.levels = side, levels_of(side)
        self.start = side >> (self.levels - 1)
        self.from_rgb, self.blocks = from_rgb, blocks
        self.last = LastBlock(channels + 1, width, self.start)
        self.out = EqualizedLinear(width, 1, gain=1.0)
        self.embedding = nn.Embedding(classes, width) if classes else None

    def logits(self, features: Tensor, labels: Tensor | None) -> Tensor:
        """Return logits [N, 1] from features of the coarsest resolution and, if conditional, labels int64 [N].

        Labels enter by projection (Miyato and Koyama, "cGANs with projection discriminator", 2018, equation 4).
        """
        features = self.last(with_deviation(features))
        logits: Tensor = self.out(features)
        if self.embedding is not None:
            logits = logits + (features * self.embedding(labels)).sum(1, keepdim=True)
        return logits
