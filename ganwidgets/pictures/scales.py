"""Round numbers for axes."""

from __future__ import annotations

import math

__all__ = ["comfortable_limits", "nice_ticks"]

LARGEST = 1e280
"""Beyond this, and below its inverse, nothing is told apart."""
FINEST = 1e-9
"""Relative differences below this are none."""


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
    """Return round limits that hold [low, high].

    Parameters
    ----------
    low, high : float
        What must be seen; not finite where nothing is.
    before : (float, float), optional
        The limits so far, which are kept while they fit: an axis that jumps is hard to read.
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
