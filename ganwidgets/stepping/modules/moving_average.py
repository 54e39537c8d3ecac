"""The exponential moving average of a network, which follows it after each of its updates."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

__all__ = ["MovingAverage", "decay_at"]


def decay_at(settings: Any, iteration: int) -> float:
    """Return the share of the average that an update keeps: ``ema_decay``, or less at the start if `ema_rampup` says so.

    The half-life in steps is at most `ema_rampup` times the steps so far (Karras et al., "Training generative
    adversarial networks with limited data", 2020, appendix C, counts images).

    Parameters
    ----------
    settings
        Where `ema_decay` and `ema_rampup` are read.
    iteration : int
        Full steps so far.
    """
    most: float = settings.ema_decay
    if settings.ema_rampup > 0:
        steps = settings.ema_rampup * max(iteration, 1)
        most = min(most, 0.5 ** (1 / steps))
    return most


class MovingAverage:
    """Moves the average of a network towards it; make a new one if a parameter of either is replaced.

    Parameters
    ----------
    average, network : nn.Module
        Of one structure.
    """

    def __init__(self, average: nn.Module, network: nn.Module) -> None:
        self._average, self._network = average, network
        self._averaged, self._current = list(average.parameters()), list(network.parameters())
        self._has_buffers = any(True for _ in average.buffers())

    def move(self, settings: Any, iteration: int) -> None:
        """Move the parameters of the average by 1 - :func:`decay_at`.

        Buffers are copied, as in StyleGAN's training loop: an average of batch counts or of spectral-norm vectors
        would mean nothing.
        """
        with torch.no_grad():
            get_ema_multi_avg_fn(decay_at(settings, iteration))(self._averaged, self._current, 1)  # type: ignore[no-untyped-call]
            if self._has_buffers:
                # Read again: a network may replace a buffer in an update.
                for kept, current in zip(self._average.buffers(), self._network.buffers(), strict=True):
                    kept.copy_(current)
