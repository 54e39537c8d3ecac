"""Standardization of tables, whose columns have different units.

A standardized column trains as z = (x - center) / scale (its z-score). Samples are shown and returned as x = center +
scale * z. A constant column has scale 0: it trains as 0 and returns its constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganwidgets.data.notices import warn_of_data
from ganwidgets.messages import Message

__all__ = ["Standardization", "is_well_scaled", "measured_columns", "warn_of_far_numbers"]

SMALLEST_SCALE, LARGEST_SCALE = 0.05, 10.0
"""Smallest standard deviation of a well-scaled column, and largest."""

FARTHEST = 20.0
"""Maximum of |mean| / min(standard deviation, 0.5) of a well-scaled column."""

UNEVEN = 30.0
"""Maximum ratio of the scales of two well-scaled columns."""

SPARSE = 0.9
"""Minimum share of equal numbers in a sparse column."""

FEW, FEW_ROOM = 20, 10.0
"""Number of rows below which bounds are wider, and the factor by which they widen."""

TAIL = 0.005
"""Share of a column's numbers in each tail."""

CENTRAL_RANGE = 5.1517
"""Range between the tails of a Gaussian, in standard deviations: 2 * 2.5758."""

HEAVY = 2.0
"""Minimum ratio of the standard deviation to that of a Gaussian with the same central range, for heavy tails."""

STRANGE = 100.0
"""Minimum distance of a strange number from its column's center, in scales."""

ROUNDING = 1e-13
"""Maximum ratio of scale to |center| for a column that is constant but for rounding."""

LEAST_PLACE = 300
"""Number of decimal places for rounding."""

RANKED = 100_000
"""Maximum number of rows, evenly spread, for finding the tails."""


@dataclass(frozen=True)
class Standardization:
    """Centers and scales of all columns.

    Attributes
    ----------
    centers, scales : tuple of float
        One for each column, in its own unit; 0 is the scale of a constant column.
    """

    centers: tuple[float, ...]
    scales: tuple[float, ...]

    def standardized(self, samples: Tensor) -> Tensor:
        """Return samples [n, F] in their own units as z-scores, float32 [n, F]; computed in float64."""
        centers, scales = self.as_tensors()
        varies = scales > 0
        divisors = torch.where(varies, scales, 1.0)
        return torch.where(varies, (samples.double() - centers) / divisors, 0.0).float()

    def original(self, samples: Tensor) -> Tensor:
        """Return z-scores [..., F] in the columns' own units, float32 [..., F]; inverse of :meth:`standardized`.

        Non-finite numbers stay non-finite, in constant columns too.
        """
        centers, scales = self.as_tensors()
        return (samples.double() * scales + centers).float()

    def as_tensors(self) -> tuple[Tensor, Tensor]:
        """Return centers and scales, float64 [F] each."""
        return torch.tensor(self.centers, dtype=torch.float64), torch.tensor(self.scales, dtype=torch.float64)


def measured_columns(samples: Tensor) -> Standardization:
    """Return mean and standard deviation of each column of `samples` [N, F].

    For a column with heavy tails, they are computed without the :data:`TAIL` lowest and highest numbers (at least one
    of :data:`FEW` rows), because a few extreme numbers would compress all others.
    """
    # NumPy adds the rows one after the other, whatever the number of threads and the layout.
    values = np.ascontiguousarray(samples.double().numpy())
    centers, scales = values.mean(axis=0), values.std(axis=0)
    ordered = np.sort(values if len(values) <= RANKED else values[:: -(-len(values) // RANKED)], axis=0)
    cut = max(int(TAIL * len(ordered)), int(len(ordered) >= FEW))
    low, high = ordered[cut], ordered[len(ordered) - 1 - cut]
    # If the other numbers are equal but for rounding, the extreme ones are the variation.
    varies = high - low > ROUNDING * (ordered[-1] - ordered[0])
    for column in np.flatnonzero(varies & (scales > HEAVY * (high - low) / CENTRAL_RANGE)):
        numbers = values[:, column]
        central = numbers[(numbers >= low[column]) & (numbers <= high[column])]
        centers[column], scales[column] = central.mean(), central.std()
    constant = (values.max(axis=0) == values.min(axis=0)) | (scales <= ROUNDING * np.abs(centers))
    measured = [
        (float(first), 0.0) if still else _rounded(float(center), float(scale))
        for first, center, scale, still in zip(values[0], centers, scales, constant, strict=True)
    ]
    return Standardization(tuple(center for center, _ in measured), tuple(scale for _, scale in measured))


def _rounded(center: float, scale: float) -> tuple[float, float]:
    """Return center and scale rounded to a millionth of the scale, so that the order of rows does not matter."""
    rounded = float(f"{scale:.6g}")
    place = math.floor(math.log10(rounded)) - 6 if rounded > 0 else 0
    return (round(center, -place) if -place < LEAST_PLACE else center), rounded


def warn_of_far_numbers(samples: Tensor, columns: Standardization, what: str) -> None:
    """Warn of numbers of `samples` [N, F] that are more than :data:`STRANGE` scales from their column's center."""
    centers, scales = columns.as_tensors()
    far = ((samples.double() - centers).abs() > STRANGE * scales) & (scales > 0)
    if not far.any():
        return
    row, column = (int(index) for index in far.nonzero()[0])
    warn_of_data(
        Message(
            "{count} of the {total} numbers of {what} are far from all others, such as {value} in row {row} of a column "
            "that is mostly {center} ± {scale}; training may fail on them: repair them, leave those rows out, or "
            "take logarithms of such a column",
            count=int(far.sum()),
            total=far.numel(),
            what=what,
            value=f"{float(samples[row, column]):g}",
            row=row,
            center=f"{columns.centers[column]:.4g}",
            scale=f"{columns.scales[column]:.2g}",
        )
    )


def is_well_scaled(samples: Tensor, columns: Standardization) -> bool:
    """Return True if points train well without standardization.

    Conditions: scales are within :data:`SMALLEST_SCALE` and :data:`LARGEST_SCALE`, their ratios within :data:`UNEVEN`,
    and each center within :data:`FARTHEST` scales of 0. Sparse columns, such as border pixels of flattened images, may
    be small. For few rows the bounds are wider.

    Parameters
    ----------
    samples : Tensor [N, F]
    columns : Standardization
        Their centers and scales.
    """
    room = 1.0 if len(samples) >= FEW else FEW_ROOM
    centers, scales = columns.as_tensors()
    varies = scales > 0
    if not varies.any():
        return True
    if scales.max() > room * LARGEST_SCALE:
        return False
    dense = ~(varies & _sparse(samples))
    farthest = FARTHEST * room * torch.where(varies, scales, 0.5).clamp(max=0.5)
    if (centers.abs() > farthest)[dense].any():
        return False
    smallest = max(SMALLEST_SCALE, scales.max().item() / UNEVEN)
    return bool((scales[dense & varies] * room >= smallest).all())


def _sparse(samples: Tensor) -> Tensor:
    """Return a mask [F] of the columns with one number in more than :data:`SPARSE` of the rows."""
    return (samples == samples.median(dim=0).values).double().mean(dim=0) > SPARSE
