"""Progressively growing networks, for square images of 8 to 128 pixels a side.

Karras et al., "Progressive growing of GANs for improved quality, stability, and variation", 2018, sections 2 to 4.
All layers exist from the start. The buffer `level` is the number of doublings of the coarsest resolution in use; its
fraction is the fade-in of the newest one. Both networks take and return images of the full side: a generator repeats
pixels, a discriminator averages them. So a change of level changes no shape.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ganwidgets.networks.layers.convolutions import begin
from ganwidgets.networks.layers.equalized import (
    EqualizedConv2d,
    HalvingBlock,
    activated,
    doubled,
    halved,
    widths_by_level,
)
from ganwidgets.networks.pyramids import PyramidDiscriminator, PyramidGenerator, draw_weight, levels_of
from ganwidgets.networks.spec import NetworkSpec, refuse_unless_square

__all__ = ["GrowingDiscriminator", "GrowingGenerator", "GrowingNetwork", "build", "level_at"]


def level_at(samples: int, per_phase: int, unlocked: float, levels: int) -> float:
    """Return the level after a number of real samples, in [0, levels - 1].

    A level is trained for `per_phase` samples, then the next one fades in over as many, and so on (section 2).

    Parameters
    ----------
    samples : int
        Number of real samples seen.
    per_phase : int
        Number of samples in a phase; 0 for no schedule.
    unlocked : float
        Levels that the user added to the schedule.
    levels : int
        Number of resolutions.

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
    """The level of both networks.

    Attributes
    ----------
    levels, start : int
        Resolutions, and the side of the coarsest in pixels.
    level : Tensor, float32 ()
        Current number of doublings, at most ``levels - 1``.
    """

    level: Tensor
    levels: int
    start: int

    def grow(self, level: float) -> None:
        """Set the current `level`."""
        self.level.fill_(level)

    def split_level(self) -> tuple[int, float]:
        """Return the finest fully faded-in resolution, and the weight of the next."""
        level = min(max(float(self.level), 0.0), self.levels - 1.0)
        whole = int(level)
        return whole, level - whole

    def hold_level(self) -> None:
        """Make the current level a constant, so that the network can be traced; :meth:`grow` has no effect then."""
        level = self.split_level()
        self.split_level = lambda: level  # type: ignore[method-assign]

    def faded(self, real: Tensor) -> Tensor:
        """Return real images [N, C, side, side] with the detail of the current level.

        During a fade-in, they are a mixture of that resolution and the one before (appendix A).
        """
        whole, alpha = self.split_level()
        finest = whole + (alpha > 0)
        factor = 2 ** (self.levels - 1 - finest)
        seen = halved(real, factor)
        if alpha > 0:
            seen = doubled(halved(seen)).lerp(seen, alpha)
        return doubled(seen, factor)


class GrowingGenerator(PyramidGenerator, GrowingNetwork):
    """From latents to images; parameters are those of :class:`PyramidGenerator`."""

    def __init__(self, latent_dim: int, channels: int, image_channels: int, side: int, classes: int) -> None:
        super().__init__(latent_dim, channels, image_channels, side, classes)
        self.register_buffer("level", torch.zeros(()))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return images [N, C, side, side] from z [N, latent_dim] and, if conditional, labels int64 [N]."""
        whole, alpha = self.split_level()
        x = self.latents(z, labels)
        for block in self.blocks[: whole + 1]:
            x = block(x)
        image: Tensor = self.to_rgb[whole](x)
        if alpha > 0:
            finer = self.to_rgb[whole + 1](self.blocks[whole + 1](x))
            image = doubled(image).lerp(finer, alpha)
        return doubled(image, self.side // image.shape[2])


class GrowingDiscriminator(PyramidDiscriminator, GrowingNetwork):
    """From images to logits; parameters are those of :class:`GrowingGenerator`."""

    from_rgb: nn.ModuleList

    def __init__(self, channels: int, image_channels: int, side: int, classes: int) -> None:
        widths = widths_by_level(levels_of(side), channels)
        from_rgb = nn.ModuleList([EqualizedConv2d(image_channels, n, 1) for n in widths])
        blocks = nn.ModuleList([HalvingBlock(fine, fine, coarse) for coarse, fine in pairwise(widths)])
        super().__init__(from_rgb, blocks, widths[0], widths[0], side, classes)
        self.register_buffer("level", torch.zeros(()))

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
        return self.logits(features, labels)


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
