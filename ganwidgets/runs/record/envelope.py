"""Envelope of a history column for curves: low, mean and high in buckets of many rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Envelope", "EnvelopePyramid"]

Floats = npt.NDArray[np.float64]
Envelope = tuple[npt.NDArray[np.int64], Floats, Floats, Floats]
"""A thinned column: for each bucket its middle iteration, and its low, mean and high."""


class EnvelopePyramid:
    """A column's :data:`Envelope`, updated as rows arrive; pairs of buckets merge when it is full."""

    def __init__(self, points: int) -> None:
        self._points = points
        self.width = 1
        self.seen = 0
        self._buckets = np.empty((0, 5))

    def feed(self, iterations: Floats, values: Floats) -> None:
        for begin in range(0, len(values), 8192):
            self._feed(iterations[begin : begin + 8192], values[begin : begin + 8192])
        self.seen += len(values)

    def _feed(self, iterations: Floats, values: Floats) -> None:
        new = np.column_stack([iterations, values, values, values, np.ones_like(values)])
        tail = self._buckets[-1:]
        if len(tail) and tail[0, 4] < self.width:
            self._buckets = self._buckets[:-1]
            new = np.concatenate([tail, new])
        self._buckets = np.concatenate([self._buckets, self._merged(new)])
        while len(self._buckets) > 2 * self._points:
            self.width *= 2
            self._buckets = self._merged(self._buckets)

    def _merged(self, rows: Floats) -> Floats:
        """Return `rows` merged into buckets of `width` original rows each."""
        ends = np.cumsum(rows[:, 4])
        index = ((ends - 1e-9) // self.width).astype(np.int64)
        starts = np.flatnonzero(np.diff(index, prepend=-1))
        weight = np.add.reduceat(rows[:, 4], starts)
        weighted = np.add.reduceat(rows[:, [0, 2]] * rows[:, 4:5], starts) / weight[:, None]
        low = np.minimum.reduceat(rows[:, 1], starts)
        high = np.maximum.reduceat(rows[:, 3], starts)
        return np.column_stack([weighted[:, 0], low, weighted[:, 1], high, weight])

    def envelope(self) -> Envelope:
        rows = self._buckets
        if len(rows) > self._points:
            pairs = np.arange(0, len(rows), 2)
            weight = np.add.reduceat(rows[:, 4], pairs)
            means = np.add.reduceat(rows[:, [0, 2]] * rows[:, 4:5], pairs) / weight[:, None]
            low = np.minimum.reduceat(rows[:, 1], pairs)
            high = np.maximum.reduceat(rows[:, 3], pairs)
            return means[:, 0].astype(np.int64), low, means[:, 1], high
        return rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2], rows[:, 3]
