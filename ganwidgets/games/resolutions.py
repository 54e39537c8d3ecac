"""Resolutions of images between a generator and a discriminator: progressive networks, and all at once (MSG-GAN)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganwidgets.networks.layers.equalized import doubled, halved
from ganwidgets.networks.msg import MultiScaleDiscriminator, MultiScaleGenerator, atlas, pyramid, unpacked
from ganwidgets.networks.progressive import GrowingNetwork

__all__ = [
    "SCALE_NORM",
    "as_seen",
    "atlas_levels",
    "changed_alike",
    "finest",
    "gradients_by_scale",
    "level_of",
]

SCALE_NORM = "grad_norm_scale_"
"""Begins the names of the columns with a norm for each resolution of MSG-GAN; the side in pixels follows."""


def level_of(network: nn.Module) -> float:
    """Return the level of a network that grows; NaN for others."""
    return float(network.level) if isinstance(network, GrowingNetwork) else math.nan


def atlas_levels(generator: nn.Module, discriminator: nn.Module) -> int:
    """Return the number of resolutions that a generator passes to a discriminator as one atlas; 0 for plain images."""
    if isinstance(generator, MultiScaleGenerator) and isinstance(discriminator, MultiScaleDiscriminator):
        return generator.levels
    return 0


def as_seen(real: Tensor, generator: nn.Module, levels: int) -> Tensor:
    """Return real samples in the form that the generator makes: at its level, or as an atlas of `levels`."""
    if isinstance(generator, GrowingNetwork):
        return generator.faded(real)
    return atlas(pyramid(real, levels)) if levels else real


def finest(samples: Tensor, levels: int) -> Tensor:
    """Return the finest resolution of atlases; with `levels` 0 the samples as they are."""
    return unpacked(samples, levels)[0] if levels else samples


def changed_alike(change: Callable[[Tensor], Tensor], packed: Tensor, levels: int) -> Tensor:
    """Return atlases whose every resolution `change` changed in the same way.

    `change` takes images [N, C, side, side]. A coarser resolution is enlarged to that side, changed, and averaged
    back. So a translation by a fraction of its pixels interpolates linearly, and a hole covers its share of a pixel.
    """
    images = []
    for level, image in enumerate(unpacked(packed, levels)):
        factor = 2**level
        images.append(halved(change(doubled(image, factor)), factor))
    return atlas(images)


def gradients_by_scale(loss_g: Tensor, fake: Tensor, levels: int) -> dict[str, float]:
    """Return the norm of the gradient of G's loss by the images of each resolution; nothing for plain images."""
    if not levels or not fake.requires_grad:
        return {}
    (gradient,) = torch.autograd.grad(loss_g, fake, retain_graph=True)
    return {f"{SCALE_NORM}{scale.shape[2]}": float(scale.norm()) for scale in unpacked(gradient, levels)}
