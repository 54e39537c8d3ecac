"""The plane on which points are shown, and the discriminator's verdict on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.objectives import Loss
from ganwidgets.rendering.projection import Extent

__all__ = ["REFERENCES", "RESOLUTION", "grid_on", "square_around", "verdict_on"]

Floats = npt.NDArray[np.float32]


REFERENCES = 200
"""Real and generated samples against which a critic's scale is measured."""

RESOLUTION = 64
"""Pixels of the verdict along each side."""

WIDENED = 1.25
"""Side of the plane, as a multiple of the longer side of the box around the real points."""


def square_around(points: Tensor) -> Extent:
    """Return the square plane on which points ``[M, 2]`` are shown, with room around them."""
    low, high = points.amin(dim=0), points.amax(dim=0)
    half = float((high - low).max()) / 2 * WIDENED or 1.0
    x, y = ((low + high) / 2).tolist()
    return x - half, x + half, y - half, y + half


def grid_on(extent: Extent) -> Tensor:
    """Return the centres of the verdict's pixels, float32 ``[64 * 64, 2]``, row after row."""
    x0, x1, y0, y1 = extent
    offsets = (torch.arange(RESOLUTION) + 0.5) / RESOLUTION
    y, x = torch.meshgrid(y0 + (y1 - y0) * offsets, x0 + (x1 - x0) * offsets, indexing="ij")
    return torch.stack((x.flatten(), y.flatten()), dim=1)


def verdict_on(
    grid: Tensor, real: Tensor, generated: Tensor, loss: Loss, judge: Callable[[Tensor], Tensor]
) -> Floats:
    """Return the discriminator's view of the plane in [0, 1], 1 for real, float32 ``[64, 64]``.

    Parameters
    ----------
    grid : Tensor [64 * 64, 2]
        See :func:`grid_on`.
    real, generated : Tensor [M, 2]
        Against which a critic's scale is measured.
    loss : Loss
        What the logits mean.
    judge : callable
        Returns the discriminator's logits [n] of samples.
    """
    fake = generated[torch.isfinite(generated).all(dim=1)][:REFERENCES]
    real = real[:REFERENCES]
    if not len(fake):
        fake = real
    logits = judge(torch.cat((grid, real, fake)))
    pixels, rest = logits[: len(grid)], logits[len(grid) :]
    verdict = loss.verdict(pixels, rest[: len(real)], rest[len(real) :])
    decided: Floats = torch.nan_to_num(verdict, nan=0.5).reshape(RESOLUTION, RESOLUTION).numpy()
    return decided
