"""Tensors as the pictures of a latent explorer."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganwidgets.rendering.image_grid import as_png, levels

__all__ = ["map_png", "png_of", "spectrum_png"]

DECIBELS = 100.0
"""Between black and white of a spectrum."""

BRIGHT = 2.5
"""Standard deviations from the mean that are black and white in a map."""


def png_of(image: Tensor) -> bytes:
    """Return an image [C, H, W] in [-1, 1] as a PNG."""
    grid: np.ndarray = levels(((image.detach().float() + 1) / 2)[None].numpy())[0]
    return as_png(grid)


def map_png(maps: Tensor, channel: int | None) -> bytes:
    """Return one map of [C, H, W] as a PNG, or without `channel` three of them as colours, each in its own range."""
    n = len(maps)
    chosen = maps[[channel % n] * 3] if channel is not None else maps[[i % n for i in range(3)]]
    centred = chosen - chosen.mean((1, 2), keepdim=True)
    scale = centred.square().mean((1, 2), keepdim=True).sqrt().clamp(min=1e-8) * BRIGHT
    return png_of((centred / scale).clamp(-1, 1))


def spectrum_png(spectrum: Tensor) -> bytes:
    """Return a spectrum in dB, [H, W], as a PNG: white is its greatest value, black 100 dB below."""
    relative = torch.clamp(1 + (spectrum - spectrum.max()) / DECIBELS, 0, 1)
    return png_of((relative * 2 - 1).expand(3, -1, -1))
