"""Points from a drawing, spread evenly over the painted area."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ganwidgets.errors import DataError
from ganwidgets.messages import Message

__all__ = ["DRAWN_POINTS", "Stroke", "points_of_drawing"]

Floats = npt.NDArray[np.float64]

DRAWN_POINTS = 4000
"""Number of points in a drawing's data."""

PROPOSED = 4096
ROUNDS = 200
"""Number of proposed points at a time, and maximum number of rounds."""

FEWEST = 50

FINEST = 256
"""Maximum number of grid squares along the longer side of the drawing."""


@dataclass(frozen=True, eq=False)
class Stroke:
    """One stroke of a round brush.

    Attributes
    ----------
    path : float64 array [K, 2]
        Path of its center, in the units of the data; K >= 1.
    radius : float
        Radius of the brush, in the same units.
    erases : bool
        Remove paint instead of adding it.
    """

    path: Floats
    radius: float
    erases: bool = False


def points_of_drawing(
    strokes: Sequence[Stroke], n: int = DRAWN_POINTS, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Return points spread evenly over the painted area, float32 ``[n, 2]``.

    A place is painted if the last stroke that covers it paints. The density does not depend on the number or speed of
    strokes.

    Parameters
    ----------
    strokes : sequence of Stroke
        In drawing order.
    n : int
        Number of points; fewer are returned if almost nothing is left of the drawing.
    seed : int
        Equal drawings and seeds give equal points.

    Raises
    ------
    DataError
        If nothing is painted, or if everything was erased.
    """
    segments = _Segments.of(strokes)
    generator = np.random.default_rng(seed)
    found: list[Floats] = []
    missing = n
    for proposed in segments.proposals(generator):
        accepted = proposed[segments.accepts(proposed)][:missing]
        found.append(accepted)
        missing -= len(accepted)
        if not missing:
            break
    points = np.concatenate([np.empty((0, 2)), *found])
    if len(points) < min(n, FEWEST):
        raise DataError(Message("nothing is painted yet; draw at least one stroke that is not erased again"))
    return points.astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Segments:
    """All strokes, cut into straight segments; each covers the points within its radius."""

    starts: Floats
    ends: Floats
    radii: Floats
    paints: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, strokes: Sequence[Stroke]) -> _Segments:
        pieces = []
        for stroke in strokes:
            # A single tap of the brush covers a disc: a segment of length 0.
            path = stroke.path if len(stroke.path) > 1 else np.repeat(stroke.path, 2, axis=0)
            pieces += [(start, end, stroke.radius, not stroke.erases) for start, end in pairwise(path)]
        return cls(
            np.array([piece[0] for piece in pieces], float).reshape(-1, 2),
            np.array([piece[1] for piece in pieces], float).reshape(-1, 2),
            np.array([piece[2] for piece in pieces], float),
            np.array([piece[3] for piece in pieces], bool),
        )

    def proposals(self, generator: np.random.Generator) -> Iterator[Floats]:
        """Yield points [m, 2], evenly spread over squares that cover the painted area."""
        if not self.paints.any():
            return
        corners, side = self._cells()
        for _ in range(ROUNDS):
            chosen = generator.integers(len(corners), size=PROPOSED)
            yield corners[chosen] + side * generator.random((PROPOSED, 2))

    def _cells(self) -> tuple[Floats, float]:
        """Return the lower left corners [k, 2] of the grid squares that paint may touch, and their side."""
        radii = self.radii[self.paints, None]
        low = np.minimum(self.starts, self.ends)[self.paints] - radii
        high = np.maximum(self.starts, self.ends)[self.paints] + radii
        origin = low.min(axis=0)
        side = max(float(radii.min()) / 2, float((high.max(axis=0) - origin).max()) / FINEST)
        columns, rows = np.ceil((high.max(axis=0) - origin) / side).astype(int) + 1
        touched = np.zeros((rows, columns), bool)
        first = np.floor((low - origin) / side).astype(int)
        last = np.floor((high - origin) / side).astype(int) + 1
        for index, piece in enumerate(np.flatnonzero(self.paints).tolist()):
            (x0, y0), (x1, y1) = first[index], last[index]
            y, x = np.mgrid[y0:y1, x0:x1]
            middles = origin + side * (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5)
            near = self._distance(middles, piece) <= self.radii[piece] + side
            touched[y0:y1, x0:x1] |= near.reshape(y.shape)
        y, x = np.nonzero(touched)
        return origin + side * np.stack([x, y], axis=1), side

    def accepts(self, points: Floats) -> npt.NDArray[np.bool_]:
        """Return a mask of the `points` [m, 2] on paint."""
        painted = np.zeros(len(points), bool)
        for piece in range(len(self.starts)):
            painted[self._distance(points, piece) <= self.radii[piece]] = self.paints[piece]
        return painted

    def _distance(self, points: Floats, piece: int) -> Floats:
        """Return the distance of each of `points` [m, 2] from a segment's center line."""
        start, way = self.starts[piece], self.ends[piece] - self.starts[piece]
        squared = float(way @ way)
        share = np.clip((points - start) @ way / squared, 0, 1)[:, None] if squared else 0.0
        return np.asarray(np.linalg.norm(points - start - share * way, axis=1))
