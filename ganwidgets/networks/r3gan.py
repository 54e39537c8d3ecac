"""The residual networks of R3GAN, for square images of 8 to 128 pixels a side.

Huang et al., "The GAN is dead; long live the GAN! A modern baseline GAN", 2024, section 4: no normalisation, no
mapping network, no style. Each block adds conv1x1(act(grouped conv3x3(act(conv1x1(x))))) to x. Biases are at the
activations only. The last convolution of each block starts at zero (Zhang et al., "Fixup initialization", 2019).
Resampling convolves with [1, 2, 1] (x) [1, 2, 1], and a 1x1 convolution changes the width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu, pad

from ganwidgets.networks.layers.conditioning import Labelled, Projection, embedding_width
from ganwidgets.networks.layers.convolutions import begin, widths_of
from ganwidgets.networks.spec import HALVED_SIDES, NetworkSpec, refuse_unless_square

__all__ = ["build"]

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))
"""Keeps the variance of a normally distributed input through a leaky ReLU of slope 0.2."""

BLOCKS = 2
"""Residual blocks at each resolution."""

EXPANSION = 2
GROUP_WIDTH = 16
"""Channels of each group of a 3x3 convolution."""


def build(plan: NetworkSpec, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """Return a generator and a discriminator; see :func:`build_networks`."""
    side = refuse_unless_square("r3gan", plan.shape, HALVED_SIDES)
    start, widths = widths_of(side, plan.channels)
    # The finest resolution has a stage of its own, as wide as the first that is halved.
    widths = [widths[0], *widths]
    with torch.device("meta"):
        networks = _generator(plan, start, widths), _discriminator(plan, start, widths)
    for network in networks:
        begin(network, generator, _begin_weight)
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, _Basis):
                    module.values.normal_(generator=generator)
                if isinstance(module, _Block):
                    module.begin(BLOCKS * len(widths))
    return networks


def _begin_weight(weight: Tensor, generator: torch.Generator) -> None:
    fan_in = weight[0].numel()
    weight.normal_(0, 1 / math.sqrt(fan_in), generator=generator)


class _Bias(nn.Module):
    """Leaky ReLU after a bias for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        return leaky_relu(x + self.bias[:, None, None], SLOPE)


class _Block(nn.Module):
    """x + conv1x1(act(grouped conv3x3(act(conv1x1(x))))), shape [N, C, H, W] throughout."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels * EXPANSION
        self.widen = nn.Conv2d(channels, inner, 1, bias=False)
        self.first = _Bias(inner)
        groups = max(inner // GROUP_WIDTH, 1) if inner % GROUP_WIDTH == 0 else 1
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=groups, bias=False)
        self.second = _Bias(inner)
        self.narrow = nn.Conv2d(inner, channels, 1, bias=False)

    def begin(self, blocks: int) -> None:
        """Scale the initial weights: gain sqrt(2 / 1.04) L^(-1/4) for L blocks, and zero for the last layer."""
        # L^(-1 / (2m - 2)) with m = 3 layers in a branch.
        gain = GAIN * blocks ** (-1 / 4)
        self.widen.weight.mul_(gain)
        self.mix.weight.mul_(gain)
        self.narrow.weight.zero_()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.narrow(self.second(self.mix(self.first(self.widen(x)))))
        return result


def _smoothed(x: Tensor, stride: int) -> Tensor:
    """Return `x` convolved with [1, 2, 1] (x) [1, 2, 1] / 16, every `stride`-th pixel."""
    taps = torch.tensor([1.0, 2.0, 1.0], device=x.device, dtype=x.dtype) / 4
    channels = x.shape[1]
    kernel = torch.outer(taps, taps).expand(channels, 1, 3, 3)
    return conv2d(pad(x, (1, 1, 1, 1)), kernel, stride=stride, groups=channels)


class _Up(nn.Module):
    """Doubles an image and changes its width, [N, C, H, W] to [N, out, 2H, 2W]."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.width = nn.Conv2d(channels, out, 1, bias=False) if channels != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return _smoothed(interpolate(self.width(x), scale_factor=2, mode="nearest"), 1)


class _Down(nn.Module):
    """Halves an image and changes its width, [N, C, H, W] to [N, out, H/2, W/2]."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.width = nn.Conv2d(channels, out, 1, bias=False) if channels != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        halved: Tensor = self.width(_smoothed(x, 2))
        return halved


class _Basis(nn.Module):
    """A learned image [C, s, s] times a linear function of the latent (section 4.2), [N, z] to [N, C, s, s]."""

    def __init__(self, latent_dim: int, channels: int, side: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.empty(channels, side, side))
        self.scales = nn.Linear(latent_dim, channels, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        result: Tensor = self.values * self.scales(z)[:, :, None, None]
        return result


class _Inner(nn.Module):
    """A depthwise convolution over the whole image, [N, C, s, s] to [N, C]: the inverse of :class:`_Basis`."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, side, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.mix(x).flatten(1)
        return features


def _blocks(channels: int) -> list[nn.Module]:
    return [_Block(channels) for _ in range(BLOCKS)]


def _generator(plan: NetworkSpec, start: int, widths: Sequence[int]) -> nn.Module:
    label = embedding_width(plan.classes)
    layers: list[nn.Module] = [_Basis(plan.latent_dim + label, widths[-1], start), *_blocks(widths[-1])]
    for wide, narrow in pairwise(widths[::-1]):
        layers += [_Up(wide, narrow), *_blocks(narrow)]
    body = nn.Sequential(*layers, nn.Conv2d(widths[0], plan.shape[0], 1, bias=False))
    return Labelled(body, plan.classes, label) if plan.classes else body


def _discriminator(plan: NetworkSpec, start: int, widths: Sequence[int]) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(plan.d_shape[0], widths[0], 1, bias=False)]
    for narrow, wide in pairwise(widths):
        layers += [*_blocks(narrow), _Down(narrow, wide)]
    features = nn.Sequential(*layers, *_blocks(widths[-1]), _Inner(widths[-1], start))
    head = nn.Linear(widths[-1], 1, bias=False)
    if plan.classes:
        return Projection(features, head, plan.classes, widths[-1])
    return nn.Sequential(features, head)
