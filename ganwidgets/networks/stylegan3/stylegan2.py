"""StyleGAN2's generator (Karras et al. 2020), architectures skip, resnet and orig."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.networks.stylegan3.convolutions import (
    BINOMIAL,
    Conv2dLayer,
    SynthesisLayer,
    ToRGBLayer,
    upsample,
)
from ganwidgets.networks.stylegan3.layers import MappingNetwork

__all__ = ["StyleGAN2Generator", "SynthesisBlock", "SynthesisNetwork"]

Noise = str | torch.Generator


class SynthesisBlock(nn.Module):
    """The layers of one resolution.

    Parameters
    ----------
    in_channels, out_channels, w_dim, resolution, img_channels : int
        Channels of input and output, width of w, side of the result, channels of the image. The first block
        has 0 `in_channels` and begins with a learned constant.
    is_last : bool
        True for the block at the image's resolution.
    architecture : {"orig", "skip", "resnet"}
        Figure 7 of the paper.
    taps : tuple of float
        Resampling filter.
    conv_clamp : float, optional
        Greatest magnitude of each layer's result.
    use_noise : bool
        True if the layers add noise.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        resolution: int,
        img_channels: int,
        *,
        is_last: bool,
        architecture: str = "skip",
        taps: tuple[float, ...] = BINOMIAL,
        conv_clamp: float | None = 256,
        use_noise: bool = True,
    ) -> None:
        super().__init__()
        self.architecture, self.taps = architecture, taps
        options: dict[str, Any] = {"taps": taps, "conv_clamp": conv_clamp, "use_noise": use_noise}
        self.is_first = in_channels == 0
        if self.is_first:
            self.const = nn.Parameter(torch.empty(out_channels, resolution, resolution))
        else:
            self.conv0 = SynthesisLayer(in_channels, out_channels, w_dim, resolution, up=2, **options)
        self.conv1 = SynthesisLayer(out_channels, out_channels, w_dim, resolution, **options)
        self.num_conv = 1 if self.is_first else 2
        self.num_torgb = int(is_last or architecture == "skip")
        if self.num_torgb:
            self.torgb = ToRGBLayer(out_channels, img_channels, w_dim, conv_clamp=conv_clamp)
        if architecture == "resnet" and not self.is_first:
            self.skip = Conv2dLayer(in_channels, out_channels, 1, bias=False, up=2, taps=taps)

    def draw_initial(self, generator: torch.Generator) -> None:
        """Draw the constant from N(0, 1)."""
        if self.is_first:
            self.const.normal_(generator=generator)

    def forward(
        self, x: Tensor | None, img: Tensor | None, ws: Sequence[Tensor], noise: Noise
    ) -> tuple[Tensor, Tensor | None]:
        """Return features and image of this resolution from those of the one before.

        Parameters
        ----------
        x, img : Tensor, optional
            [N, in_channels, H/2, W/2] and [N, img_channels, H/2, W/2].
        ws : sequence of Tensor
            [N, w_dim] for each layer that takes a style, ToRGB last.
        noise : {"const", "none"} or torch.Generator
            See :class:`~ganwidgets.networks.stylegan3.convolutions.SynthesisLayer`.
        """
        if x is None:
            x = self.conv1(self.const.expand(ws[0].shape[0], -1, -1, -1), ws[0], noise)
        elif self.architecture == "resnet":
            # Two branches of equal variance are added, so each is multiplied by sqrt(1/2).
            half = math.sqrt(0.5)
            x = self.skip(x, half) + self.conv1(self.conv0(x, ws[0], noise), ws[1], noise, half)
        else:
            x = self.conv1(self.conv0(x, ws[0], noise), ws[1], noise)
        if img is not None:
            img = upsample(img, self.taps)
        if self.num_torgb:
            shown = self.torgb(x, ws[self.num_conv])
            img = shown if img is None else img + shown
        assert x is not None
        return x, img


class SynthesisNetwork(nn.Module):
    """The synthesis network g: ws -> image.

    Parameters
    ----------
    w_dim, img_resolution, img_channels : int
        Width of w; side of an image, a power of two of at least 4; channels of an image.
    channel_base, channel_max : int
        A block of side r has min(channel_base // r, channel_max) channels.
    architecture, conv_clamp, use_noise
        As for :class:`SynthesisBlock`.
    resample_filter : sequence of float
        `taps` of :class:`SynthesisBlock`.
    """

    def __init__(
        self,
        w_dim: int,
        img_resolution: int,
        img_channels: int,
        *,
        channel_base: int = 32768,
        channel_max: int = 512,
        architecture: str = "skip",
        conv_clamp: float | None = 256,
        use_noise: bool = True,
        resample_filter: Sequence[float] = BINOMIAL,
    ) -> None:
        super().__init__()
        self.w_dim, self.img_resolution, self.img_channels = w_dim, img_resolution, img_channels
        self.block_resolutions = [2**i for i in range(2, img_resolution.bit_length())]
        channels = {r: min(channel_base // r, channel_max) for r in self.block_resolutions}
        self.num_ws = 0
        for resolution in self.block_resolutions:
            block = SynthesisBlock(
                channels.get(resolution // 2, 0),
                channels[resolution],
                w_dim,
                resolution,
                img_channels,
                is_last=resolution == img_resolution,
                architecture=architecture,
                taps=tuple(resample_filter),
                conv_clamp=conv_clamp,
                use_noise=use_noise,
            )
            self.num_ws += block.num_conv
            self.add_module(f"b{resolution}", block)
        self.num_ws += 1

    def blocks(self) -> Iterator[SynthesisBlock]:
        """Yield the blocks, the smallest resolution first."""
        for resolution in self.block_resolutions:
            block = self.get_submodule(f"b{resolution}")
            assert isinstance(block, SynthesisBlock)
            yield block

    def forward(self, ws: Tensor, noise: Noise = "const") -> Tensor:
        """Return images [N, img_channels, img_resolution, img_resolution] from ws [N, num_ws, w_dim]."""
        if ws.shape[1:] != (self.num_ws, self.w_dim):
            raise ValueError(f"ws has shape {list(ws.shape)}, not [N, {self.num_ws}, {self.w_dim}]")
        x: Tensor | None = None
        img: Tensor | None = None
        begin = 0
        for block in self.blocks():
            # ToRGB shares its style with the first convolution of the next block.
            styles = ws[:, begin : begin + block.num_conv + block.num_torgb].unbind(1)
            x, img = block(x, img, styles, noise)
            begin += block.num_conv
        assert img is not None
        return img


class StyleGAN2Generator(nn.Module):
    """StyleGAN2's generator: mapping network and synthesis network.

    Parameters
    ----------
    z_dim, c_dim, w_dim, img_resolution, img_channels : int
        Widths of z, label and w; side and channels of an image.
    mapping_kwargs : mapping
        Further keyword arguments of :class:`~ganwidgets.networks.stylegan3.layers.MappingNetwork`.
    synthesis : keyword arguments
        As for :class:`SynthesisNetwork`.
    """

    def __init__(
        self,
        z_dim: int,
        c_dim: int,
        w_dim: int,
        img_resolution: int,
        img_channels: int,
        mapping_kwargs: Mapping[str, Any] | None = None,
        **synthesis: Any,
    ) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.w_dim = z_dim, c_dim, w_dim
        self.img_resolution, self.img_channels = img_resolution, img_channels
        self.synthesis = SynthesisNetwork(w_dim, img_resolution, img_channels, **synthesis)
        self.num_ws = self.synthesis.num_ws
        mapping: dict[str, Any] = {"num_layers": 8, **(mapping_kwargs or {})}
        self.mapping = MappingNetwork(z_dim, c_dim, w_dim, self.num_ws, **mapping)

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_emas: bool = False,
        noise: Noise = "const",
    ) -> Tensor:
        """Return images [N, C, H, W], within about [-1, 1] once trained, from z [N, z_dim]."""
        ws = self.mapping(z, c, truncation_psi, truncation_cutoff, update_emas)
        images: Tensor = self.synthesis(ws, noise)
        return images
