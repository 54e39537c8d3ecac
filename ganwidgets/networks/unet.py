"""U-Net: an image-to-image network with skip connections between layers of the same size.

Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation", 2015, in the form of
Isola et al., "Image-to-image translation with conditional adversarial networks" (pix2pix), 2017, section 3.2.1:
strided convolutions down, transposed ones up, leaky ReLU (0.2) down, ReLU up, tanh at the end. Instance norm
replaces batch norm, so that an image's output depends on that image alone. The depth follows the images' size.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.networks.layers.convolutions import begin

__all__ = ["UNet", "build_unet", "halvings_of"]

WIDEST = 8
"""Maximum number of channels, as a multiple of the first layer's."""

DEPTH = 5
"""Maximum number of halvings."""


class UNet(nn.Module):
    """Maps images [N, C, H, W], and optionally noise planes, to images [N, out, H, W] in [-1, 1].

    Parameters
    ----------
    inputs, outputs : int
        Channels of the input, noise planes included, and of the output.
    widths : list of int
        Channels after each halving.
    """

    def __init__(self, inputs: int, outputs: int, widths: list[int]) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            _down(narrow, wide, norm=number > 0)
            for number, (narrow, wide) in enumerate(pairwise([inputs, *widths]))
        )
        self.up = nn.ModuleList(
            # Every layer except the innermost also gets the skip connection.
            _up(wide * (1 if number == 0 else 2), narrow)
            for number, (wide, narrow) in enumerate(pairwise(widths[::-1]))
        )
        last = widths[0] * (2 if len(widths) > 1 else 1)
        self.last = nn.ConvTranspose2d(last, outputs, 4, 2, 1)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return images; `noise`, float [N, Z, H, W], is appended to the channels of the input."""
        x = images if noise is None else torch.cat((images, noise), 1)
        skips = []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        skips.pop()
        for layer in self.up:
            x = torch.cat((layer(x), skips.pop()), 1)
        return torch.tanh(self.last(x))


def _down(inputs: int, outputs: int, *, norm: bool) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, 2, 1),
        nn.InstanceNorm2d(outputs, affine=True) if norm else nn.Identity(),
        nn.LeakyReLU(0.2),
    )


def _up(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.InstanceNorm2d(outputs, affine=True), nn.ReLU()
    )


def halvings_of(height: int, width: int) -> int:
    """Return the number of halvings: down to at least 4 pixels, for images of 8 pixels to 2; at most `DEPTH`.

    Raises
    ------
    DataError
        If a side is not a multiple of 4, or below 8 pixels.

    >>> halvings_of(32, 32), halvings_of(8, 8), halvings_of(256, 128)
    (3, 2, 5)
    """
    if min(height, width) < 8 or height % 4 or width % 4:
        raise DataError(
            Message(
                "images have {height} by {width} pixels; image translation needs sides of at least 8 pixels that are "
                "multiples of 4: resize them (a folder by ganwidgets.image_folder(path, size=32))",
                height=height,
                width=width,
            )
        )
    halvings, smallest = 2, min(height, width) // 4
    while (
        smallest >= 8
        and halvings < DEPTH
        and height % 2 ** (halvings + 1) == width % 2 ** (halvings + 1) == 0
    ):
        halvings, smallest = halvings + 1, smallest // 2
    return halvings


def build_unet(
    shape: tuple[int, ...],
    outputs: tuple[int, ...],
    channels: int,
    generator: torch.Generator,
    *,
    noise_channels: int = 0,
) -> UNet:
    """Return a U-Net that maps images of `shape` to images of shape `outputs`, (C, H, W).

    Parameters
    ----------
    channels : int
        Width after the first halving; each further halving doubles it, up to 8 times.
    generator : torch.Generator
        Source of the initial weights: normal, deviation 0.02, as in pix2pix.
    noise_channels : int
        Noise planes beside the input's channels.

    Raises
    ------
    DataError
        If the samples are not images of one size that can be halved twice.
    """
    _, height, width = image_shape(shape)
    if outputs[1:] != (height, width):
        raise DataError(
            Message(
                "inputs have {height} by {width} pixels and targets {target_height} by {target_width}; both sides of a "
                "translation need the same size: resize one of them",
                height=height,
                width=width,
                target_height=outputs[1],
                target_width=outputs[2],
            )
        )
    widths = [channels * min(2**level, WIDEST) for level in range(halvings_of(height, width))]
    with torch.device("meta"):
        network = UNet(shape[0] + noise_channels, outputs[0], widths)
    begin(network, generator, _begin_weight)
    return network


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (C, H, W).

    Raises
    ------
    DataError
        If samples of `shape` are not images.
    """
    if len(shape) != 3:
        raise DataError(
            Message(
                "image translation needs images, but one sample has shape {shape}; pass images [N, C, H, W]",
                shape=shape,
            )
        )
    return shape[0], shape[1], shape[2]


def _begin_weight(weight: Tensor, generator: torch.Generator) -> None:
    weight.normal_(0, 0.02, generator=generator)
