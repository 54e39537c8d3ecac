"""Convolutions of StyleGAN2 that also resample (Karras et al. 2020, section 2 and appendix B)."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu

from ganwidgets.networks.stylegan3.filters import Array, separable_terms
from ganwidgets.networks.stylegan3.layers import GAIN, SLOPE, FullyConnectedLayer, demodulation
from ganwidgets.networks.stylegan3.resampling import Padding, Resampling

__all__ = [
    "BINOMIAL",
    "Conv2dLayer",
    "SynthesisLayer",
    "ToRGBLayer",
    "activated",
    "downsample",
    "resampling_filter",
    "upsample",
]

BINOMIAL = (1, 3, 3, 1)
"""Taps of the resampling filter of every published network."""

Taps = tuple[float, ...]


def resampling_filter(taps: Sequence[float]) -> Array:
    """Return the outer product of `taps` with itself, with sum 1, float64 [n, n]."""
    kernel = np.outer(taps, taps).astype(np.float64)
    return np.asarray(kernel / kernel.sum(), np.float64)


@functools.cache
def _resampling(taps: Taps, up: int, down: int, padding: Padding, gain: float) -> Resampling:
    total = float(sum(taps))
    kernel = np.asarray(taps, np.float64) / total
    return Resampling(separable_terms(kernel), up=up, down=down, padding=padding, gain=gain)


def upsample(x: Tensor, taps: Taps) -> Tensor:
    """Return images of twice the side, [N, C, 2H, 2W]."""
    n = len(taps)
    low, high = (n + 1) // 2, (n - 2) // 2
    return _resampling(taps, 2, 1, (low, high, low, high), 4.0)(x)


def downsample(x: Tensor, taps: Taps) -> Tensor:
    """Return images of half the side, [N, C, H/2, W/2]."""
    n = len(taps)
    low, high = (n - 1) // 2, (n - 2) // 2
    return _resampling(taps, 1, 2, (low, high, low, high), 1.0)(x)


def _upsampled_convolution(x: Tensor, weight: Tensor, taps: Taps) -> Tensor:
    """Return the convolution of the upsampled image, [N, O, 2H, 2W], from weight [O, I, k, k].

    Upsampling and convolution commute, so the convolution takes the image with its zeros, which
    `conv_transpose2d` never multiplies, and the filter follows.
    """
    kernel, n = weight.shape[2], len(taps)
    if kernel == 1:
        return upsample(conv2d(x, weight), taps)
    x = conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    low = kernel // 2 + (n + 1) // 2 - (kernel - 1)
    high = kernel // 2 + (n - 2) // 2 - (kernel - 1) + 1
    return _resampling(taps, 1, 1, (low, high, low, high), 4.0)(x)


def _downsampled_convolution(x: Tensor, weight: Tensor, taps: Taps) -> Tensor:
    """Return the convolution at half the side, [N, O, H/2, W/2], from weight [O, I, k, k]."""
    if weight.shape[2] == 1:
        return conv2d(downsample(x, taps), weight)
    half, n = weight.shape[2] // 2, len(taps)
    low, high = half + (n - 1) // 2, half + (n - 2) // 2
    return conv2d(_resampling(taps, 1, 1, (low, high, low, high), 1.0)(x), weight, stride=2)


def activated(x: Tensor, bias: Tensor | None, *, gain: float, slope: float, clamp: float | None) -> Tensor:
    """Return clamp(gain leaky_relu(x + bias), -clamp, clamp), [N, C, H, W]."""
    if bias is not None:
        x = x + bias[:, None, None]
    if slope != 1:
        x = leaky_relu(x, slope)
    if gain != 1:
        x = x * gain
    return x if clamp is None else x.clamp(-clamp, clamp)


class Conv2dLayer(nn.Module):
    """Convolution with equalized learning rate: conv(x, w / sqrt(I k^2)), bias, activation.

    Parameters
    ----------
    in_channels, out_channels, kernel_size : int
        Shape of the weight.
    bias : bool
        True for a layer with a bias.
    activation : {"linear", "lrelu"}
        A leaky ReLU has slope 0.2 and gain sqrt 2.
    up, down : {1, 2}
        Factors of the resampling.
    taps : tuple of float
        Resampling filter.
    conv_clamp : float, optional
        Greatest magnitude of the result.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        bias: bool = True,
        activation: str = "linear",
        up: int = 1,
        down: int = 1,
        taps: Taps = BINOMIAL,
        conv_clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.activation, self.up, self.down = activation, up, down
        self.taps, self.conv_clamp = taps, conv_clamp
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None

    def draw_initial(self, generator: torch.Generator) -> None:
        """Draw the weight from N(0, 1)."""
        self.weight.normal_(generator=generator)
        if self.bias is not None:
            self.bias.zero_()

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """Return `gain` times the layer's result, [N, O, h, w] from [N, I, H, W]."""
        weight = self.weight / math.sqrt(self.weight[0].numel())
        if self.up == 2:
            x = _upsampled_convolution(x, weight, self.taps)
        elif self.down == 2:
            x = _downsampled_convolution(x, weight, self.taps)
        else:
            x = conv2d(x, weight, padding=weight.shape[2] // 2)
        slope, factor = (SLOPE, GAIN) if self.activation == "lrelu" else (1.0, 1.0)
        clamp = None if self.conv_clamp is None else self.conv_clamp * gain
        return activated(x, self.bias, gain=factor * gain, slope=slope, clamp=clamp)


class SynthesisLayer(nn.Module):
    """Modulated convolution, noise, bias and leaky ReLU (equations 1 and 3).

    Parameters
    ----------
    in_channels, out_channels, w_dim, resolution : int
        Channels, width of w, and side of the result.
    kernel_size : int
        Side of the kernel.
    up : {1, 2}
        Factor of the upsampling.
    use_noise : bool
        True to add a noise image.
    taps : tuple of float
        Resampling filter.
    conv_clamp : float, optional
        Greatest magnitude of the result.
    """

    noise_const: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        resolution: int,
        *,
        kernel_size: int = 3,
        up: int = 1,
        use_noise: bool = True,
        taps: Taps = BINOMIAL,
        conv_clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.resolution, self.up, self.use_noise = resolution, up, use_noise
        self.taps, self.conv_clamp = taps, conv_clamp
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels))
        if use_noise:
            self.register_buffer("noise_const", torch.empty(resolution, resolution))
            self.noise_strength = nn.Parameter(torch.empty(()))

    def draw_initial(self, generator: torch.Generator) -> None:
        """Draw the weight and the noise image from N(0, 1)."""
        self.weight.normal_(generator=generator)
        self.bias.zero_()
        if self.use_noise:
            self.noise_const.normal_(generator=generator)
            self.noise_strength.zero_()

    def noise(self, x: Tensor, noise: str | torch.Generator) -> Tensor:
        """Return the noise to add, [1 or N, 1, resolution, resolution]."""
        if isinstance(noise, torch.Generator):
            shape = (x.shape[0], 1, self.resolution, self.resolution)
            drawn = torch.randn(shape, generator=noise, device=noise.device).to(x)
            return drawn * self.noise_strength
        return (self.noise_const * self.noise_strength)[None, None]

    def forward(
        self, x: Tensor, w: Tensor, noise: str | torch.Generator = "const", gain: float = 1.0
    ) -> Tensor:
        """Return `gain` times the layer's result, [N, O, resolution, resolution].

        Parameters
        ----------
        x, w : Tensor
            [N, I, H, W] and [N, w_dim].
        noise : {"const", "none"} or torch.Generator
            The stored noise image, no noise, or the source of new noise.
        gain : float
            Factor of the result.
        """
        styles = self.affine(w)
        output_gain = demodulation(self.weight, styles)
        x = x * styles[:, :, None, None]
        if self.up == 2:
            x = _upsampled_convolution(x, self.weight, self.taps)
        else:
            x = conv2d(x, self.weight, padding=self.weight.shape[2] // 2)
        x = x * output_gain[:, :, None, None]
        if self.use_noise and noise != "none":
            x = x + self.noise(x, noise)
        clamp = None if self.conv_clamp is None else self.conv_clamp * gain
        return activated(x, self.bias, gain=GAIN * gain, slope=SLOPE, clamp=clamp)


class ToRGBLayer(nn.Module):
    """Modulated 1x1 convolution to an image, without demodulation.

    Parameters
    ----------
    in_channels, out_channels, w_dim : int
        Channels of features and image; width of w.
    conv_clamp : float, optional
        Greatest magnitude of the result.
    """

    def __init__(
        self, in_channels: int, out_channels: int, w_dim: int, *, conv_clamp: float | None = None
    ) -> None:
        super().__init__()
        self.conv_clamp = conv_clamp
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.empty(out_channels))

    def draw_initial(self, generator: torch.Generator) -> None:
        """Draw the weight from N(0, 1)."""
        self.weight.normal_(generator=generator)
        self.bias.zero_()

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return the image, [N, out_channels, H, W]."""
        styles = self.affine(w) / math.sqrt(self.weight[0].numel())
        x = conv2d(x * styles[:, :, None, None], self.weight)
        return activated(x, self.bias, gain=1.0, slope=1.0, clamp=self.conv_clamp)
