"""The plane of points, and the discriminator's verdict over it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.objectives import Loss
from ganwidgets.rendering.plane.projection import Extent

__all__ = ["REFERENCES", "RESOLUTION", "grid_on", "square_around", "verdict_on"]

Floats = npt.NDArray[np.float32]


REFERENCES = 200
"""Number of real and generated samples that define a critic's scale."""

RESOLUTION = 64
"""Pixels of the verdict along each side."""

WIDENED = 1.25
"""Ratio of the plane's side to the longer side of the real points' bounding box."""


def square_around(points: Tensor) -> Extent:
    """Return the square plane for points ``[M, 2]``, with a margin."""
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
    """Return the discriminator's verdict over the plane in [0, 1], 1 for real, float32 ``[64, 64]``.

    Parameters
    ----------
    grid : Tensor [64 * 64, 2]
        See :func:`grid_on`.
    real, generated : Tensor [M, 2]
        Samples that define a critic's scale.
    loss : Loss
        Determines the verdict for a logit.
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
