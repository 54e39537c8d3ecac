"""Widths, norms and initial weights of convolutional networks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["begin", "norm_layer", "widths_of"]

WIDEST = 8
"""Maximum width, as a multiple of the base width."""

NORM_DEVIATION = 0.02


def widths_of(side: int, channels: int) -> tuple[int, list[int]]:
    """Return the smallest side inside the network, and the channels after each halving.

    Images are halved at least twice, then as long as at least 4 pixels a side remain. Channels double with each halving, up
    to eight times `channels`.

    >>> widths_of(32, 64), widths_of(28, 64)
    ((4, [64, 128, 256]), (7, [64, 128]))
    """
    smallest, halvings = side, 0
    while smallest % 2 == 0 and (halvings < 2 or smallest >= 8):
        smallest, halvings = smallest // 2, halvings + 1
    return smallest, [channels * min(2**level, WIDEST) for level in range(halvings)]


def norm_layer(norm: str, channels: int) -> nn.Module:
    """Return the layer for the setting ``norm``."""
    match norm:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "instance":
            return nn.InstanceNorm2d(channels, affine=True)
        case _:
            return nn.Identity()


def begin(
    network: nn.Module, generator: torch.Generator, begin_weight: Callable[[Tensor, torch.Generator], None]
) -> None:
    """Initialize a network that was built on the meta device, drawing from `generator` alone.

    Weights are drawn by `begin_weight`; those of norms from N(1, 0.02^2) as in DCGAN; label vectors from N(0, 1). Biases are 0.
    """
    network.to_empty(device=generator.device)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
            weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
            if isinstance(weight, Tensor):
                if isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d):
                    weight.normal_(1, NORM_DEVIATION, generator=generator)
                elif isinstance(module, nn.Embedding):
                    weight.normal_(generator=generator)
                else:
                    begin_weight(weight, generator)
            if isinstance(bias, Tensor):
                bias.zero_()
