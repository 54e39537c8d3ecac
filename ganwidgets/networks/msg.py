"""Networks that work at all resolutions at once, for square images of 8 to 128 pixels a side.

Karnewar and Wang, "MSG-GAN: multi-scale gradients for generative adversarial networks", 2020, section 2. The generator
makes an image at every resolution. The discriminator takes them all: at each resolution the image is concatenated
to the features (phi_simple). So gradients reach every layer of the generator directly.

All resolutions of an image are one tensor, an atlas [N, C, side, 3/2 side]: the image at the left, and the smaller
ones below each other at the right.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganwidgets.networks.layers.convolutions import begin
from ganwidgets.networks.layers.equalized import (
    EqualizedConv2d,
    HalvingBlock,
    activated,
    halved,
    widths_by_level,
)
from ganwidgets.networks.pyramids import (
    PyramidDiscriminator,
    PyramidGenerator,
    draw_weight,
    levels_of,
    with_deviation,
)
from ganwidgets.networks.spec import NetworkSpec, refuse_unless_square

__all__ = [
    "AtlasGenerator",
    "MultiScaleDiscriminator",
    "MultiScaleGenerator",
    "atlas",
    "build",
    "pyramid",
    "unpacked",
]


def pyramid(images: Tensor, levels: int) -> list[Tensor]:
    """Return images [N, C, H, W] at `levels` resolutions, the finest first; each pixel is a mean of 2x2."""
    found = [images]
    for _ in range(levels - 1):
        found.append(halved(found[-1]))
    return found


def atlas(images: Sequence[Tensor]) -> Tensor:
    """Return all resolutions in one tensor, [N, C, side, 3/2 side]; zero where there is no image.

    Parameters
    ----------
    images : sequence of Tensor
        The finest first, each of half the side of the one before, down to at least 2 resolutions.
    """
    finest, *rest = images
    n, channels, side = finest.shape[:3]
    column = []
    for image in rest:
        space = image.new_zeros(n, channels, image.shape[2], side // 2 - image.shape[3])
        column.append(torch.cat([image, space], 3))
    below = side - sum(image.shape[2] for image in rest)
    column.append(finest.new_zeros(n, channels, below, side // 2))
    return torch.cat([finest, torch.cat(column, 2)], 3)


def unpacked(packed: Tensor, levels: int) -> list[Tensor]:
    """Inverse of :func:`atlas`."""
    side = packed.shape[2]
    images = [packed[..., :side]]
    top, size = 0, side // 2
    for _ in range(levels - 1):
        images.append(packed[:, :, top : top + size, side : side + size])
        top, size = top + size, size // 2
    return images


class MultiScaleGenerator(PyramidGenerator):
    """From latents to images; parameters are those of :class:`PyramidGenerator`."""

    def scales(self, z: Tensor, labels: Tensor | None = None) -> list[Tensor]:
        """Return images at all resolutions, the finest first, from z [N, latent_dim] and labels int64 [N]."""
        x, images = self.latents(z, labels), []
        for block, to_rgb in zip(self.blocks, self.to_rgb, strict=True):
            x = block(x)
            images.append(to_rgb(x))
        return images[::-1]

    def forward(self, z: Tensor, labels: Tensor | None = None, all_scales: bool = False) -> Tensor:
        """Return images [N, C, side, side], or with `all_scales` their :func:`atlas`."""
        images = self.scales(z, labels)
        return atlas(images) if all_scales else images[0]


class AtlasGenerator(nn.Module):
    """A generator whose output is the :func:`atlas` of all resolutions; shares the weights of `generator`."""

    def __init__(self, generator: MultiScaleGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return atlases [N, C, side, 3/2 side]."""
        packed: Tensor = self.generator(z, labels, True)
        return packed


class MultiScaleDiscriminator(PyramidDiscriminator):
    """From images of all resolutions to logits; parameters are those of :class:`MultiScaleGenerator`."""

    def __init__(self, channels: int, image_channels: int, side: int, classes: int) -> None:
        levels = levels_of(side)
        widths = widths_by_level(levels, channels)[::-1]
        extra = [0, *[image_channels] * (levels - 2)]
        blocks = nn.ModuleList(
            [
                # One more map: the deviation within the batch, at every resolution.
                HalvingBlock(fine + more + 1, fine, coarse)
                for fine, coarse, more in zip(widths[:-1], widths[1:], extra, strict=True)
            ]
        )
        from_rgb = EqualizedConv2d(image_channels, widths[0], 1)
        super().__init__(from_rgb, blocks, widths[-1] + image_channels, widths[-1], side, classes)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits [N, 1] from an atlas, or from images [N, C, side, side] whose pyramid it computes."""
        images = pyramid(x, self.levels) if x.shape[2] == x.shape[3] else unpacked(x, self.levels)
        features = activated(self.from_rgb(images[0]))
        for block, image in zip(self.blocks, images[1:], strict=True):
            features = block(with_deviation(features))
            features = torch.cat([image, features], 1)
        return self.logits(features, labels)


def build(plan: NetworkSpec, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """Return a generator and a discriminator; see :func:`build_networks`."""
    side = refuse_unless_square("msg", plan.shape)
    with torch.device("meta"):
        networks = (
            MultiScaleGenerator(plan.latent_dim, plan.channels, plan.shape[0], side, plan.classes),
            MultiScaleDiscriminator(plan.channels, plan.d_shape[0], side, plan.classes),
        )
    for network in networks:
        begin(network, generator, draw_weight)
    return networks
