"""A discriminator with one logit for each patch of an image.

PatchGAN of Isola et al., "Image-to-image translation with conditional adversarial networks" (pix2pix), 2017, section
3.2.2: a fully convolutional network, whose receptive field is smaller than the image. Here it is 26 pixels (70 in the
paper, for images of 256).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganwidgets.networks.layers.convolutions import begin
from ganwidgets.networks.unet import halvings_of

__all__ = ["build_patch_discriminator"]


def build_patch_discriminator(
    shape: tuple[int, int, int], channels: int, generator: torch.Generator
) -> nn.Module:
    """Return a network that maps images of `shape` (C, H, W) to logits [N, 1, H / 4, W / 4].

    Parameters
    ----------
    channels : int
        Width of the first layer; the second has 2 and the third 4 times as many.
    generator : torch.Generator
        Source of the initial weights: normal, deviation 0.02, as in pix2pix.

    Raises
    ------
    DataError
        If a side is not a multiple of 4, or below 8 pixels.
    """
    halvings_of(shape[1], shape[2])
    with torch.device("meta"):
        network = nn.Sequential(
            nn.Conv2d(shape[0], channels, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels, 2 * channels, 4, 2, 1),
            nn.InstanceNorm2d(2 * channels, affine=True),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * channels, 4 * channels, 3, 1, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * channels, 1, 3, 1, 1),
        )
    begin(network, generator, _begin_weight)
    return network


def _begin_weight(weight: Tensor, generator: torch.Generator) -> None:
    weight.normal_(0, 0.02, generator=generator)
