"""Estimated cost of an image."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ganwidgets.networks.stylegan3.generator import SynthesisNetwork

__all__ = ["Estimate", "available_memory", "estimate"]

GEMM = 512
"""Side of the matrices in the timed product."""

FILTERING = 3.0
"""Measured ratio of a multiplication's time in a filter to that in a matrix product; filters are memory-bound."""


@dataclass(frozen=True)
class Estimate:
    """The cost of one image.

    Attributes
    ----------
    multiplications : float
        Multiplications in filters are weighted by their relative time.
    seconds : float
        On this machine, with torch's current number of threads.
    memory : int
        Bytes, without the network itself.
    network : int
        Bytes of the network's parameters and buffers.
    """

    multiplications: float
    seconds: float
    memory: int
    network: int


def estimate(synthesis: nn.Module) -> Estimate:
    """Return the cost of one image of a StyleGAN3 or StyleGAN2 synthesis network."""
    size = sum(t.numel() * t.element_size() for t in (*synthesis.parameters(), *synthesis.buffers()))
    if isinstance(synthesis, SynthesisNetwork):
        count, memory = _stylegan3(synthesis)
    else:
        count, memory = _hooked(synthesis)
    return Estimate(count, count / _rate(), memory, size)


def _stylegan3(synthesis: SynthesisNetwork) -> tuple[float, int]:
    count, peak = 0.0, 0
    for layer in synthesis.layers():
        s = layer.specification
        side = s.in_size + s.conv_kernel - 1
        count += s.in_channels * s.out_channels * s.conv_kernel**2 * side**2
        # Filters run along one axis after the other; each output at the intermediate rate needs all taps.
        wide = s.out_size * s.down_factor + s.down_taps
        terms = 3 if s.down_radial else 1
        up = s.up_taps / max(s.up_factor, 1) * wide * (side + wide)
        down = terms * s.down_taps * s.out_size * (wide + s.out_size)
        count += FILTERING * s.out_channels * (up + down)
        # Input, convolution with its working memory, result.
        pixels = s.in_channels * s.in_size**2 + s.out_channels * (2 * side**2 + s.out_size**2)
        peak = max(peak, 4 * pixels)
    return count, peak


def _hooked(synthesis: nn.Module) -> tuple[float, int]:
    """Count multiplications by the weights: each weight of a block is used at each of its pixels."""
    count, peak = 0.0, 0
    for name, parameter in synthesis.named_parameters():
        if parameter.ndim == 4:
            side = int(name.split(".")[0].removeprefix("b"))
            count += parameter.numel() * side**2
            peak = max(peak, 4 * 6 * max(parameter.shape[:2]) * side**2)
    return count, peak


def _rate() -> float:
    """Return the current multiplications per second of a matrix product on this machine."""
    a = torch.ones(GEMM, GEMM)
    a @ a
    began, n = time.perf_counter(), 0
    while time.perf_counter() - began < 0.02:
        a @ a
        n += 1
    return n * GEMM**3 / (time.perf_counter() - began)


def available_memory() -> int | None:
    """Return the free memory in bytes, or None if the system does not report it."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None
