"""Round numbers for axes, linear and logarithmic."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["comfortable_limits", "logarithmic_limits", "logarithmic_ticks", "nice_ticks", "typical_range"]

LARGEST = 1e280
"""Bound of magnitudes; numbers above it, or below its inverse, are not distinguished."""
FINEST = 1e-9
"""Smaller relative differences count as zero."""

TYPICAL = 0.1, 0.9
"""Quantiles that bound a curve's typical values."""
FLATTENED = 2.0
"""Minimum ratio of the full extent to the widened typical one for cutting off outliers."""


def typical_range(*curves: Iterable[float]) -> tuple[float, float]:
    """Return the vertical range of a chart of `curves`; NaN if no value is finite.

    It is the full range, unless a few outliers would flatten the rest. Then each end is that of the
    values, or 3/4 of (q90 - q10) beyond these quantiles if that is nearer. Quantiles are taken of each curve,
    so that a long curve does not hide a short one.

    >>> low, high = typical_range([1.0, 1.2, 1.1] * 20 + [40.0])
    >>> low, round(high, 2)
    (1.0, 1.35)
    """
    ranges = [_typical(np.asarray(curve, dtype=np.float64)) for curve in curves]
    known = [each for each in ranges if not math.isnan(each[0])]
    if not known:
        return math.nan, math.nan
    return min(low for low, _ in known), max(high for _, high in known)


def _typical(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    values = values[np.isfinite(values)]
    if not len(values):
        return math.nan, math.nan
    low, high = float(values.min()), float(values.max())
    first, last = (float(end) for end in np.quantile(values, TYPICAL))
    margin = 0.75 * (last - first)
    if high - low <= FLATTENED * (last - first + 2 * margin):
        return low, high
    # The range may be a single number; the axis adds a margin.
    return max(low, first - margin), min(high, last + margin)


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers within [low, high], roughly `about` of them.

    >>> nice_ticks(-1.3, 1.3)
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    span = high - low
    if not math.isfinite(span) or span <= max(FINEST * max(abs(low), abs(high)), 1 / LARGEST):
        return []
    raw = span / about
    unit = 10.0 ** math.floor(math.log10(raw))
    step = unit * min((1, 2, 5, 10), key=lambda factor: abs(math.log(factor * unit / raw)))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{k * step:.15g}") + 0.0 for k in range(first, last + 1)]


def comfortable_limits(
    low: float, high: float, before: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Return round limits that include [low, high].

    Parameters
    ----------
    low, high : float
        The range to include; not finite if there is none.
    before : (float, float), optional
        The previous limits, which are kept while they fit, because a jumping axis is hard to read.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return before or (0.0, 1.0)
    low, high = (min(max(end, -LARGEST), LARGEST) for end in (low, high))
    if high - low <= max(FINEST * max(abs(low), abs(high)), 1 / LARGEST):
        half = max(abs(low), abs(high)) / 2
        half = half if half > 1 / LARGEST else 0.5
        low, high = low - half, high + half
    if (
        before is not None
        and before[0] <= low
        and high <= before[1]
        and high - low > (before[1] - before[0]) / 3
    ):
        return before
    if 0 <= low < 0.6 * high:
        low = 0.0
    span = high - low
    step = 10.0 ** math.floor(math.log10(span))
    step *= 0.1 if span / step < 2 else 0.2 if span / step < 5 else 0.5
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def logarithmic_limits(
    low: float, high: float, before: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Return limits of a logarithmic axis that include [low, high], both 1, 2 or 5 times a power of 10.

    Parameters
    ----------
    low, high : float
        Positive; not finite if there is nothing to include.
    before : (float, float), optional
        The previous limits, which are kept while they fit.

    Examples
    --------
    >>> logarithmic_limits(0.03, 7.0)
    (0.02, 10.0)
    >>> logarithmic_limits(1.0, 1.0)
    (0.5, 2.0)
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return before or (0.1, 10.0)
    low, high = (min(max(end, 1 / LARGEST), LARGEST) for end in (low, high))
    if before is not None and before[0] <= low and high <= before[1]:
        used, room = math.log10(high / low), math.log10(before[1] / before[0])
        if used > room / 3:
            return before
    below = max((step for step in _steps(low) if step <= low * (1 + FINEST)), default=low)
    above = min((step for step in _steps(high) if step >= high * (1 - FINEST)), default=high)
    if above <= below * (1 + FINEST):
        below = max(step for step in _steps(low) if step < below * (1 - FINEST))
        above = min(step for step in _steps(high) if step > above * (1 + FINEST))
    return below, above


def logarithmic_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers within [low, high] for a logarithmic axis, roughly `about` of them.

    They are powers of 10, or 1, 2 and 5 times powers of 10 if there are few powers, or equal steps in a narrow range.

    >>> logarithmic_ticks(0.01, 100)
    [0.01, 0.1, 1.0, 10.0, 100.0]
    >>> logarithmic_ticks(0.5, 5)
    [0.5, 1.0, 2.0, 5.0]
    """
    if not (0 < low < high < math.inf):
        return []
    first, last = math.ceil(math.log10(low) - FINEST), math.floor(math.log10(high) + FINEST)
    powers = [float(f"1e{power}") for power in range(first, last + 1)]
    if len(powers) >= 3:
        return powers[:: max(1, round(len(powers) / about))]
    steps = [
        step
        for power in range(first - 1, last + 1)
        for step in (float(f"{factor}e{power}") for factor in (1, 2, 5))
        if low * (1 - FINEST) <= step <= high * (1 + FINEST)
    ]
    return steps if len(steps) >= 3 else nice_ticks(low, high, about)


def _steps(value: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of 10 around `value`, ascending."""
    power = math.floor(math.log10(value))
    return [float(f"{factor}e{each}") for each in range(power - 1, power + 2) for factor in (1, 2, 5)]
