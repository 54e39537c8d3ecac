"""The discriminator of StyleGAN2 and StyleGAN3 (Karras et al. 2020), architectures resnet, skip and orig."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.networks.stylegan3.convolutions import BINOMIAL, Conv2dLayer, downsample
from ganwidgets.networks.stylegan3.layers import FullyConnectedLayer, MappingNetwork

__all__ = ["Discriminator", "DiscriminatorBlock", "DiscriminatorEpilogue", "minibatch_deviation"]


def minibatch_deviation(x: Tensor, group_size: int | None, channels: int) -> Tensor:
    """Append maps of the standard deviation within groups of samples to `x` (Karras et al. 2018, section 3).

    The deviation sqrt(var + 1e-8) of each feature at each pixel is computed over a group. Features are
    divided into `channels` equal parts; each map is the mean over one part and all pixels.

    Parameters
    ----------
    x : Tensor
        [N, C, H, W].
    group_size : int, optional
        Maximum group size; the greatest divisor of N up to it is used. Default: all samples.
    channels : int
        Number of maps, a divisor of C.

    Returns
    -------
    Tensor
        [N, C + channels, H, W].
    """
    n, c, height, width = x.shape
    most = n if group_size is None else min(group_size, n)
    size = next(size for size in range(most, 0, -1) if n % size == 0)
    grouped = x.reshape(size, -1, channels, c // channels, height, width)
    deviation = ((grouped - grouped.mean(0)).square().mean(0) + 1e-8).sqrt()
    maps = deviation.mean((2, 3, 4)).reshape(-1, channels, 1, 1)
    return torch.cat([x, maps.repeat(size, 1, height, width)], 1)


class DiscriminatorBlock(nn.Module):
    """The layers of one resolution.

    Parameters
    ----------
    in_channels, tmp_channels, out_channels, img_channels : int
        Number of channels. The first block has 0 `in_channels` and takes the image alone.
    architecture : {"orig", "skip", "resnet"}
        Figure 7 of the paper.
    taps : tuple of float
        Resampling filter.
    conv_clamp : float, optional
        Greatest magnitude of each layer's result.
    """

    def __init__(
        self,
        in_channels: int,
        tmp_channels: int,
        out_channels: int,
        img_channels: int,
        *,
        architecture: str,
        taps: tuple[float, ...],
        conv_clamp: float | None,
    ) -> None:
        super().__init__()
        self.architecture, self.taps = architecture, taps
        options: dict[str, Any] = {"activation": "lrelu", "conv_clamp": conv_clamp, "taps": taps}
        self.takes_image = in_channels == 0 or architecture == "skip"
        if self.takes_image:
            self.fromrgb = Conv2dLayer(img_channels, tmp_channels, 1, **options)
        self.conv0 = Conv2dLayer(tmp_channels, tmp_channels, 3, **options)
        self.conv1 = Conv2dLayer(tmp_channels, out_channels, 3, down=2, **options)
        if architecture == "resnet":
            self.skip = Conv2dLayer(tmp_channels, out_channels, 1, bias=False, down=2, taps=taps)

    def forward(self, x: Tensor | None, img: Tensor) -> tuple[Tensor, Tensor]:
        """Return features [N, out_channels, H/2, W/2] and, for "skip", the image at that size."""
        if self.takes_image:
            y = self.fromrgb(img)
            x = y if x is None else x + y
        if self.architecture == "skip":
            img = downsample(img, self.taps)
        if self.architecture == "resnet":
            half = math.sqrt(0.5)
            x = self.skip(x, half) + self.conv1(self.conv0(x), half)
        else:
            x = self.conv1(self.conv0(x))
        assert x is not None
        return x, img


class DiscriminatorEpilogue(nn.Module):
    """The layers at 4x4: minibatch deviation, convolution, two fully connected layers, projection.

    Parameters
    ----------
    in_channels, cmap_dim, resolution, img_channels : int
        Channels of the input, width of a mapped label (0 for an unconditional network), side of the input,
        channels of the image.
    architecture, conv_clamp
        As for :class:`DiscriminatorBlock`.
    mbstd_group_size, mbstd_num_channels : int
        `group_size` and `channels` of :func:`minibatch_deviation`; 0 channels omit it.
    """

    def __init__(
        self,
        in_channels: int,
        cmap_dim: int,
        resolution: int,
        img_channels: int,
        *,
        architecture: str,
        conv_clamp: float | None,
        mbstd_group_size: int | None = 4,
        mbstd_num_channels: int = 1,
    ) -> None:
        super().__init__()
        self.cmap_dim = cmap_dim
        self.mbstd_group_size, self.mbstd_num_channels = mbstd_group_size, mbstd_num_channels
        self.takes_image = architecture == "skip"
        if self.takes_image:
            self.fromrgb = Conv2dLayer(img_channels, in_channels, 1, activation="lrelu")
        self.conv = Conv2dLayer(
            in_channels + mbstd_num_channels, in_channels, 3, activation="lrelu", conv_clamp=conv_clamp
        )
        self.fc = FullyConnectedLayer(in_channels * resolution**2, in_channels, activation="lrelu")
        self.out = FullyConnectedLayer(in_channels, cmap_dim or 1)

    def forward(self, x: Tensor, img: Tensor, cmap: Tensor | None) -> Tensor:
        """Return logits [N, 1]: <out, cmap> / sqrt(cmap_dim) with labels (Miyato and Koyama 2018)."""
        if self.takes_image:
            x = x + self.fromrgb(img)
        if self.mbstd_num_channels:
            x = minibatch_deviation(x, self.mbstd_group_size, self.mbstd_num_channels)
        logits: Tensor = self.out(self.fc(self.conv(x).flatten(1)))
        return logits if cmap is None else (logits * cmap).sum(1, keepdim=True) / math.sqrt(self.cmap_dim)


class Discriminator(nn.Module):
    """StyleGAN2's discriminator.

    Parameters
    ----------
    c_dim, img_resolution, img_channels : int
        Width of a label; side and channels of an image.
    architecture : {"resnet", "skip", "orig"}
        Figure 7 of the paper.
    channel_base, channel_max : int
        A block of side r has min(channel_base // r, channel_max) channels.
    conv_clamp : float, optional
        Greatest magnitude of each layer's result.
    cmap_dim : int, optional
        Width of a mapped label.
    resample_filter : sequence of float
        Taps of the resampling filter.
    mapping_kwargs, epilogue_kwargs : mapping
        Further keyword arguments of :class:`~ganwidgets.networks.stylegan3.layers.MappingNetwork` and
        :class:`DiscriminatorEpilogue`.

    Examples
    --------
    >>> d = Discriminator(0, 16, 3, channel_base=128, channel_max=8)
    >>> sum(parameter.numel() for parameter in d.parameters())
    4193
    """

    def __init__(
        self,
        c_dim: int,
        img_resolution: int,
        img_channels: int,
        *,
        architecture: str = "resnet",
        channel_base: int = 32768,
        channel_max: int = 512,
        conv_clamp: float | None = 256,
        cmap_dim: int | None = None,
        resample_filter: Sequence[float] = BINOMIAL,
        mapping_kwargs: Mapping[str, Any] | None = None,
        epilogue_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.c_dim, self.img_resolution, self.img_channels = c_dim, img_resolution, img_channels
        self.block_resolutions = [2**i for i in range(img_resolution.bit_length() - 1, 2, -1)]
        channels = {r: min(channel_base // r, channel_max) for r in [*self.block_resolutions, 4]}
        width = (channels[4] if cmap_dim is None else cmap_dim) if c_dim else 0
        for resolution in self.block_resolutions:
            block = DiscriminatorBlock(
                channels[resolution] if resolution < img_resolution else 0,
                channels[resolution],
                channels[resolution // 2],
                img_channels,
                architecture=architecture,
                taps=tuple(resample_filter),
                conv_clamp=conv_clamp,
            )
            self.add_module(f"b{resolution}", block)
        if c_dim:
            options: dict[str, Any] = {"num_layers": 8, **(mapping_kwargs or {})}
            self.mapping = MappingNetwork(0, c_dim, width, 1, **options)
        self.b4 = DiscriminatorEpilogue(
            channels[4],
            width,
            4,
            img_channels,
            architecture=architecture,
            conv_clamp=conv_clamp,
            **(epilogue_kwargs or {}),
        )

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """Return logits [N, 1] from images [N, C, H, W] and labels [N, c_dim]."""
        x: Tensor | None = None
        for resolution in self.block_resolutions:
            x, img = self.get_submodule(f"b{resolution}")(x, img)
        cmap = self.mapping.mapped(None, c) if self.c_dim else None
        logits: Tensor = self.b4(x, img, cmap)
        return logits
