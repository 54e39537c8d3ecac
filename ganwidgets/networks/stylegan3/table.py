"""Sampling rates, cut-offs and channels of the alias-free generator's layers (Karras et al. 2021, section 3.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["LayerSpecification", "layer_table"]


@dataclass(frozen=True)
class LayerSpecification:
    """One layer. Rates are in pixels per image width, cut-offs and half-widths in cycles per image width.

    Attributes
    ----------
    name : str
        ``L<index>_<out_size>_<out_channels>``.
    padding : tuple of int
        Left, right, top, bottom, in pixels at the intermediate rate.
    """

    name: str
    is_torgb: bool
    is_critically_sampled: bool
    in_channels: int
    out_channels: int
    in_size: int
    out_size: int
    in_sampling_rate: int
    out_sampling_rate: int
    tmp_sampling_rate: int
    in_cutoff: float
    out_cutoff: float
    in_half_width: float
    out_half_width: float
    up_factor: int
    down_factor: int
    up_taps: int
    down_taps: int
    down_radial: bool
    padding: tuple[int, int, int, int]
    conv_kernel: int
    conv_clamp: float | None


def layer_table(
    img_resolution: int,
    img_channels: int,
    *,
    channel_base: int = 32768,
    channel_max: int = 512,
    num_layers: int = 14,
    num_critical: int = 2,
    first_cutoff: float = 2.0,
    first_stopband: float = 2**2.1,
    last_stopband_rel: float = 2**0.3,
    margin_size: int = 10,
    conv_kernel: int = 3,
    filter_size: int = 6,
    lrelu_upsampling: int = 2,
    use_radial_filters: bool = False,
    conv_clamp: float | None = 256,
) -> list[LayerSpecification]:
    """Return the specifications of `num_layers` layers and of the last one, ToRGB.

    With e_i = min(i / (num_layers - num_critical), 1), r the resolution and N the number of layers:

    - cut-off f_c = first_cutoff (r/2 / first_cutoff)^e_i,
    - stop-band f_t = first_stopband (r/2 last_stopband_rel / first_stopband)^e_i,
    - rate s = 2^ceil(log2(min(2 f_t, r))), half-width f_h = max(f_t, s/2) - f_c,
    - size s + 2 margin_size, the last two r,
    - channels round(min(channel_base / 2 / f_c, channel_max)).
    """
    rows = num_layers + 1
    exponents = [min(i / (num_layers - num_critical), 1) for i in range(rows)]
    last_cutoff = img_resolution / 2
    last_stopband = last_cutoff * last_stopband_rel
    cutoffs = [first_cutoff * (last_cutoff / first_cutoff) ** e for e in exponents]
    stopbands = [first_stopband * (last_stopband / first_stopband) ** e for e in exponents]
    rates = [int(2 ** math.ceil(math.log2(min(2 * stopband, img_resolution)))) for stopband in stopbands]
    half_widths = [max(t, s / 2) - c for t, s, c in zip(stopbands, rates, cutoffs, strict=True)]
    sizes = [rate + 2 * margin_size for rate in rates]
    sizes[-2:] = [img_resolution] * 2
    channels = [round(min(channel_base / 2 / cutoff, channel_max)) for cutoff in cutoffs]
    channels[-1] = img_channels

    table = []
    for i in range(rows):
        previous = max(i - 1, 0)
        is_torgb = i == num_layers
        is_critical = i >= num_layers - num_critical
        kernel = 1 if is_torgb else conv_kernel
        tmp_rate = max(rates[previous], rates[i]) * (1 if is_torgb else lrelu_upsampling)
        up, down = tmp_rate // rates[previous], tmp_rate // rates[i]
        up_taps = filter_size * up if up > 1 and not is_torgb else 1
        down_taps = filter_size * down if down > 1 and not is_torgb else 1
        total = (sizes[i] - 1) * down + 1 - (sizes[previous] + kernel - 1) * up + up_taps + down_taps - 2
        low = (total + up) // 2
        table.append(
            LayerSpecification(
                name=f"L{i}_{sizes[i]}_{channels[i]}",
                is_torgb=is_torgb,
                is_critically_sampled=is_critical,
                in_channels=channels[previous],
                out_channels=channels[i],
                in_size=sizes[previous],
                out_size=sizes[i],
                in_sampling_rate=rates[previous],
                out_sampling_rate=rates[i],
                tmp_sampling_rate=tmp_rate,
                in_cutoff=cutoffs[previous],
                out_cutoff=cutoffs[i],
                in_half_width=half_widths[previous],
                out_half_width=half_widths[i],
                up_factor=up,
                down_factor=down,
                up_taps=up_taps,
                down_taps=down_taps,
                down_radial=use_radial_filters and not is_critical,
                padding=(low, total - low, low, total - low),
                conv_kernel=kernel,
                conv_clamp=conv_clamp,
            )
        )
    return table
