"""Power spectra of images and activations."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["log_spectrum"]

BETA = 8.0
"""Beta of the Kaiser window."""


def log_spectrum(maps: Tensor) -> Tensor:
    """Return the mean power spectrum of maps [C, H, W] in dB, float32 [H, W], with frequency 0 in the middle.

    Each map, minus its mean, is multiplied by a Kaiser window (beta 8) with unit mean square.
    """
    _, height, width = maps.shape
    window = torch.from_numpy(np.outer(np.kaiser(height, BETA), np.kaiser(width, BETA)))
    window = window / window.square().mean().sqrt()
    centred = (maps - maps.mean((1, 2), keepdim=True)).double() * window
    power = torch.fft.fft2(centred).abs().square().mean(0) / (height * width)
    decibels: Tensor = 10 * torch.fft.fftshift(power).clamp(min=1e-12).log10()
    return decibels.float()
