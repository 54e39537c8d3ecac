"""The alias-free generator (Karras et al. 2021), configurations T and R.

Sources: "Alias-Free Generative Adversarial Networks", sections 2 and 3 and appendix C; parameter names are those
of the published networks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from ganwidgets.networks.stylegan3.filters import Array, kaiser_lowpass, radial_lowpass, separable_terms
from ganwidgets.networks.stylegan3.layers import (
    GAIN,
    SLOPE,
    FullyConnectedLayer,
    MappingNetwork,
    demodulation,
)
from ganwidgets.networks.stylegan3.resampling import FilteredLeakyReLU, Resampling
from ganwidgets.networks.stylegan3.table import LayerSpecification, layer_table
from ganwidgets.networks.stylegan3.winograd import pays, transformed, winograd_conv2d

__all__ = ["Generator", "SynthesisInput", "SynthesisLayer", "SynthesisNetwork", "mix_styles"]

MAGNITUDE_HALF_LIFE = 20_000
"""Half-life of the running mean of magnitudes, in samples (appendix C)."""


class SynthesisInput(nn.Module):
    """Fourier features z0, rotated and translated as computed from w (section 3.2).

    Feature k at position p is sin(2 pi (f_k . p + phase_k)) times an amplitude. A 1x1 convolution mixes the
    features.

    Parameters
    ----------
    w_dim, channels, size : int
        Width of w, number of features, side of the result in pixels.
    sampling_rate : float
        Pixels per unit of length; the image is one unit wide.
    bandwidth : float
        Greatest initial frequency, in cycles per unit.
    """

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, w_dim: int, channels: int, size: int, sampling_rate: float, bandwidth: float) -> None:
        super().__init__()
        self.channels, self.size = channels, size
        self.sampling_rate, self.bandwidth = sampling_rate, bandwidth
        self.weight = nn.Parameter(torch.empty(channels, channels))
        self.affine = FullyConnectedLayer(w_dim, 4, weight_init=0.0, bias_init=(1.0, 0.0, 0.0, 0.0))
        self.register_buffer("transform", torch.empty(3, 3))
        self.register_buffer("freqs", torch.empty(channels, 2))
        self.register_buffer("phases", torch.empty(channels))

    def draw_initial(self, generator: torch.Generator) -> None:
        """Draw frequencies uniformly from a disk of radius `bandwidth`, phases from U(-1/2, 1/2)."""
        self.weight.normal_(generator=generator)
        self.freqs.normal_(generator=generator)
        radius = self.freqs.square().sum(1, keepdim=True).sqrt()
        self.freqs.div_(radius * radius.square().exp().pow(0.25)).mul_(self.bandwidth)
        self.phases.uniform_(-0.5, 0.5, generator=generator)
        self.transform.copy_(torch.eye(3))

    def transforms(self, w: Tensor) -> Tensor:
        """Return each sample's inverse transform, float64 [N, 3, 3]: rotation, translation, then `transform`."""
        # In float64, because the length of (cosine, sine), a divisor, may be small. The cost is negligible.
        t = self.affine(w.double())
        cosine, sine, x, y = (t / t[:, :2].norm(dim=1, keepdim=True)).unbind(1)
        zero, one = torch.zeros_like(x), torch.ones_like(x)
        rotation = torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], 1)
        translation = torch.stack([one, zero, -x, zero, one, -y, zero, zero, one], 1)
        moved: Tensor = rotation.view(-1, 3, 3) @ translation.view(-1, 3, 3)
        transforms: Tensor = moved @ self.transform.double()
        return transforms

    def forward(self, w: Tensor) -> Tensor:
        """Return [N, channels, size, size] from w [N, w_dim]."""
        transforms = self.transforms(w).to(w.dtype)
        phases = self.phases + (self.freqs @ transforms[:, :2, 2:]).squeeze(2)
        freqs = self.freqs @ transforms[:, :2, :2]
        # A frequency beyond the bandwidth fades out until it reaches the Nyquist limit (appendix C).
        limit = self.sampling_rate / 2 - self.bandwidth
        amplitudes = (1 - (freqs.norm(dim=2) - self.bandwidth) / limit).clamp(0, 1)
        place = (torch.arange(self.size, device=w.device) + 0.5 - self.size / 2) / self.sampling_rate
        place = place.to(w.dtype)
        # f . p = f_x x + f_y y, so the plane is the sum of one row and one column.
        along_x = freqs[:, :, :1] * place
        along_y = freqs[:, :, 1:] * place + phases.unsqueeze(2)
        waves = torch.sin(2 * math.pi * (along_y.unsqueeze(3) + along_x.unsqueeze(2)))
        features = (waves * amplitudes[:, :, None, None]).flatten(2)
        mixed: Tensor = (self.weight / math.sqrt(self.channels)) @ features
        return mixed.view(-1, self.channels, self.size, self.size)


class SynthesisLayer(nn.Module):
    """Modulated convolution and alias-free leaky ReLU (section 3.2).

    Parameters
    ----------
    w_dim : int
        Width of w.
    specification : LayerSpecification
        Row of the layer table.
    magnitude_ema_beta : float or None
        Decay of the running mean of x^2; None for 0.5^(N / 20000) at a batch of N samples.
    """

    magnitude_ema: Tensor

    def __init__(
        self, w_dim: int, specification: LayerSpecification, magnitude_ema_beta: float | None
    ) -> None:
        super().__init__()
        s = self.specification = specification
        self.magnitude_ema_beta = magnitude_ema_beta
        self.affine = FullyConnectedLayer(w_dim, s.in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.empty(s.out_channels, s.in_channels, s.conv_kernel, s.conv_kernel))
        self.bias = nn.Parameter(torch.empty(s.out_channels))
        self.register_buffer("magnitude_ema", torch.empty(()))
        self.nonlinearity = self._nonlinearity()
        self._kept: tuple[tuple[int, int], Tensor] | None = None

    def draw_initial(self, generator: torch.Generator) -> None:
        """Draw the weight from N(0, 1)."""
        self.weight.normal_(generator=generator)
        self.bias.zero_()
        self.magnitude_ema.fill_(1)

    def filters(self) -> dict[str, Array | None]:
        """Return the designed filters by name, float64; no filter where a factor is 1."""
        s = self.specification
        up: Array | None = None
        down: Array | None = None
        if s.up_taps > 1:
            up = kaiser_lowpass(s.up_taps, s.in_cutoff, 2 * s.in_half_width, s.tmp_sampling_rate)
        if s.down_taps > 1:
            design = radial_lowpass if s.down_radial else kaiser_lowpass
            down = design(s.down_taps, s.out_cutoff, 2 * s.out_half_width, s.tmp_sampling_rate)
        return {"up_filter": up, "down_filter": down}

    def _nonlinearity(self) -> FilteredLeakyReLU:
        s, filters = self.specification, self.filters()
        gain, slope = (1.0, 1.0) if s.is_torgb else (GAIN, SLOPE)
        return FilteredLeakyReLU(
            Resampling(
                separable_terms(filters["up_filter"]),
                up=s.up_factor,
                padding=s.padding,
                gain=float(s.up_factor**2),
            ),
            Resampling(separable_terms(filters["down_filter"]), down=s.down_factor),
            slope=slope,
            gain=gain,
            clamp=s.conv_clamp,
        )

    def forward(self, x: Tensor, w: Tensor, update_emas: bool = False) -> Tensor:
        """Return [N, out_channels, out_size, out_size] from x [N, in_channels, in_size, in_size] and w [N, w_dim]."""
        s = self.specification
        if update_emas:
            with torch.no_grad():
                beta = self.magnitude_ema_beta
                beta = 0.5 ** (len(x) / MAGNITUDE_HALF_LIFE) if beta is None else beta
                mean = x.detach().float().square().mean()
                self.magnitude_ema.copy_(mean.lerp(self.magnitude_ema, beta))
        # Appendix C: activations are divided by the square root of their mean square.
        input_gain = self.magnitude_ema.rsqrt().to(x.dtype)
        styles = self.affine(w)
        weight: Tensor = self.weight
        if s.is_torgb:
            styles = styles / math.sqrt(weight[0].numel())
            output_gain = None
        else:
            weight = weight * weight.square().mean((1, 2, 3), keepdim=True).rsqrt()
            styles = styles * styles.square().mean().rsqrt()
            output_gain = demodulation(weight, styles)
        if not torch.is_grad_enabled() and len(x) == 1:
            return self._of_one(x, weight, styles * input_gain, output_gain)
        # Equation 1 of StyleGAN2 scales the weights. Scaling the input by s and the output by the
        # demodulation is equivalent, and all samples share one weight.
        x = x * (styles * input_gain)[:, :, None, None]
        x = conv2d(x, weight, padding=s.conv_kernel - 1)
        if output_gain is not None:
            x = x * output_gain[:, :, None, None]
        return self.nonlinearity(x + self.bias[:, None, None])

    def _of_one(self, x: Tensor, weight: Tensor, scales: Tensor, output_gain: Tensor | None) -> Tensor:
        """Return the result for one sample without gradients, in less time and memory."""
        padding = self.specification.conv_kernel - 1
        if pays(weight, x.shape[3]):
            kernels = self._transformed_weight(weight)
            x = winograd_conv2d(x * scales[:, :, None, None], kernels, padding)
            if output_gain is not None:
                x = x * output_gain[:, :, None, None]
            x = x + self.bias[:, None, None]
        else:
            # Avoid a scaled copy of large images.
            weight = weight * scales[0][None, :, None, None]
            if output_gain is not None:
                weight = weight * output_gain[0][:, None, None, None]
            x = conv2d(x, weight, self.bias, padding=padding)
        return self.nonlinearity(x)

    def _transformed_weight(self, weight: Tensor) -> Tensor:
        """Return the transform of the normalised `weight`, cached until the parameter changes."""
        source = self.weight._version, self.weight.data_ptr()
        if self._kept is None or self._kept[0] != source:
            self._kept = source, transformed(weight)
        return self._kept[1]

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the cached transform, which copies compute anew."""
        return {**self.__dict__, "_kept": None}


class SynthesisNetwork(nn.Module):
    """The synthesis network g: ws -> image.

    Parameters
    ----------
    w_dim, img_resolution, img_channels : int
        Width of w, side and channels of an image.
    magnitude_ema_beta : float or None
        Decay of each layer's running mean of x^2; see :class:`SynthesisLayer`.
    output_scale : float
        Factor of the last layer's result.
    table : keyword arguments
        As for :func:`ganwidgets.networks.stylegan3.table.layer_table`.
    """

    def __init__(
        self,
        w_dim: int,
        img_resolution: int,
        img_channels: int,
        *,
        magnitude_ema_beta: float | None = 0.999,
        output_scale: float = 0.25,
        **table: Any,
    ) -> None:
        super().__init__()
        self.w_dim, self.img_resolution, self.img_channels = w_dim, img_resolution, img_channels
        self.output_scale = output_scale
        specifications = layer_table(img_resolution, img_channels, **table)
        first = specifications[0]
        self.input = SynthesisInput(
            w_dim, first.in_channels, first.in_size, first.in_sampling_rate, first.in_cutoff
        )
        self.layer_names = [specification.name for specification in specifications]
        for specification in specifications:
            self.add_module(specification.name, SynthesisLayer(w_dim, specification, magnitude_ema_beta))
        self.num_ws = len(specifications) + 1

    def layers(self) -> list[SynthesisLayer]:
        """Return the layers from input to image."""
        found = [self.get_submodule(name) for name in self.layer_names]
        return [layer for layer in found if isinstance(layer, SynthesisLayer)]

    def forward(self, ws: Tensor, update_emas: bool = False) -> Tensor:
        """Return images [N, img_channels, img_resolution, img_resolution] from ws [N, num_ws, w_dim]."""
        if ws.shape[1:] != (self.num_ws, self.w_dim):
            raise ValueError(f"ws has shape {list(ws.shape)}, not [N, {self.num_ws}, {self.w_dim}]")
        first, *styles = ws.unbind(1)
        x: Tensor = self.input(first)
        for layer, w in zip(self.layers(), styles, strict=True):
            x = layer(x, w, update_emas)
        return x if self.output_scale == 1 else x * self.output_scale


class Generator(nn.Module):
    """StyleGAN3's generator: mapping network and synthesis network.

    Parameters
    ----------
    z_dim, c_dim, w_dim, img_resolution, img_channels : int
        Widths of z, label and w; side and channels of an image.
    mapping_kwargs : mapping
        Further keyword arguments of :class:`~ganwidgets.networks.stylegan3.layers.MappingNetwork`.
    synthesis : keyword arguments
        As for :class:`SynthesisNetwork`; the attribute `options` has all arguments. Configuration R has
        ``conv_kernel=1, use_radial_filters=True`` and twice the channels of T.

    Examples
    --------
    >>> from ganwidgets.networks.stylegan3 import initialize
    >>> g = Generator(8, 0, 8, 16, 1, channel_base=64, channel_max=4, num_layers=4, margin_size=3)
    >>> initialize(g, torch.Generator().manual_seed(0))
    >>> g(torch.zeros(2, 8)).shape
    torch.Size([2, 1, 16, 16])
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
        self.options = {
            "z_dim": z_dim,
            "c_dim": c_dim,
            "w_dim": w_dim,
            "img_resolution": img_resolution,
            "img_channels": img_channels,
            "mapping_kwargs": dict(mapping_kwargs or {}),
            **synthesis,
        }
        self.synthesis = SynthesisNetwork(w_dim, img_resolution, img_channels, **synthesis)
        self.num_ws = self.synthesis.num_ws
        self.mapping = MappingNetwork(z_dim, c_dim, w_dim, self.num_ws, **(mapping_kwargs or {}))

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        """Return images [N, C, H, W], within about [-1, 1] once trained, from z [N, z_dim]."""
        ws = self.mapping(z, c, truncation_psi, truncation_cutoff, update_emas)
        images: Tensor = self.synthesis(ws, update_emas)
        return images


def mix_styles(ws: Tensor, other: Tensor, layers: Sequence[int]) -> Tensor:
    """Return ws with the styles of `layers` taken from `other`, both [N, num_ws, w_dim]."""
    chosen = np.isin(np.arange(ws.shape[1]), list(layers))
    return torch.where(torch.from_numpy(chosen).to(ws.device)[None, :, None], other, ws)
