"""Layers of progressively grown networks (Karras et al., "Progressive growing of GANs", 2018, sections 3 and 4).

Weights are drawn from N(0, 1) and multiplied by gain / sqrt(fan_in) at each use, so that all learn equally fast.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu, linear

__all__ = [
    "DoublingBlock",
    "EqualizedConv2d",
    "EqualizedLinear",
    "FirstBlock",
    "HalvingBlock",
    "LastBlock",
    "activated",
    "doubled",
    "halved",
    "pixel_norm",
    "widths_by_level",
]

SLOPE = 0.2
GAIN = math.sqrt(2)
WIDEST = 4
"""Times the width at the finest resolution that a layer has at most."""


def widths_by_level(levels: int, channels: int) -> list[int]:
    """Return the channels of each resolution, the coarsest first; the finest has `channels`.

    >>> widths_by_level(4, 16)
    [64, 64, 32, 16]
    """
    return [channels * min(2 ** (levels - 1 - level), WIDEST) for level in range(levels)]


def pixel_norm(x: Tensor) -> Tensor:
    """Return x / sqrt(mean over axis 1 of x^2 + 1e-8) (section 4.2)."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def activated(x: Tensor) -> Tensor:
    """Return the leaky ReLU of `x`, slope 0.2."""
    return leaky_relu(x, SLOPE)


def doubled(x: Tensor, factor: int = 2) -> Tensor:
    """Return images of `factor` times the side, each pixel repeated, [N, C, factor H, factor W]."""
    return x if factor == 1 else interpolate(x, scale_factor=factor, mode="nearest")


def halved(x: Tensor, factor: int = 2) -> Tensor:
    """Return images of 1/`factor` of the side, each pixel a mean, [N, C, H/factor, W/factor]."""
    return x if factor == 1 else avg_pool2d(x, factor)


class EqualizedConv2d(nn.Module):
    """Convolution with a bias that keeps the side, [N, I, H, W] to [N, O, H, W]."""

    def __init__(self, channels: int, out: int, kernel: int, gain: float = GAIN) -> None:
        super().__init__()
        self.gain = gain
        self.weight = nn.Parameter(torch.empty(out, channels, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(out))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.gain / math.sqrt(self.weight[0].numel())
        return conv2d(x, self.weight * scale, self.bias, padding=self.weight.shape[2] // 2)


class EqualizedLinear(nn.Module):
    """Fully connected layer with a bias, [N, I] to [N, O]."""

    def __init__(self, features: int, out: int, gain: float = GAIN) -> None:
        super().__init__()
        self.gain = gain
        self.weight = nn.Parameter(torch.empty(out, features))
        self.bias = nn.Parameter(torch.empty(out))

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight * (self.gain / math.sqrt(self.weight.shape[1])), self.bias)


class FirstBlock(nn.Module):
    """The generator's block at 4x4: a fully connected layer and a convolution, [N, z] to [N, C, 4, 4]."""

    def __init__(self, latent_dim: int, channels: int, side: int) -> None:
        super().__init__()
        self.channels, self.side = channels, side
        self.dense = EqualizedLinear(latent_dim, channels * side * side, gain=GAIN / 4)
        self.conv = EqualizedConv2d(channels, channels, 3)

    def forward(self, z: Tensor) -> Tensor:
        x = self.dense(pixel_norm(z)).view(-1, self.channels, self.side, self.side)
        return pixel_norm(activated(self.conv(pixel_norm(activated(x)))))


class DoublingBlock(nn.Module):
    """Repeats pixels, then two convolutions, [N, C, H, W] to [N, out, 2H, 2W]."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv0 = EqualizedConv2d(channels, out, 3)
        self.conv1 = EqualizedConv2d(out, out, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = pixel_norm(activated(self.conv0(doubled(x))))
        return pixel_norm(activated(self.conv1(x)))


class HalvingBlock(nn.Module):
    """Two convolutions and a mean of 2x2 pixels, [N, C, H, W] to [N, out, H/2, W/2]."""

    def __init__(self, channels: int, inner: int, out: int) -> None:
        super().__init__()
        self.conv0 = EqualizedConv2d(channels, inner, 3)
        self.conv1 = EqualizedConv2d(inner, out, 3)

    def forward(self, x: Tensor) -> Tensor:
        return halved(activated(self.conv1(activated(self.conv0(x)))))


class LastBlock(nn.Module):
    """The discriminator's features at the coarsest resolution, [N, C, s, s] with the deviation map to [N, out]."""

    def __init__(self, channels: int, out: int, side: int) -> None:
        super().__init__()
        self.conv = EqualizedConv2d(channels, out, 3)
        self.dense = EqualizedLinear(out * side * side, out)

    def forward(self, x: Tensor) -> Tensor:
        return activated(self.dense(activated(self.conv(x)).flatten(1)))
