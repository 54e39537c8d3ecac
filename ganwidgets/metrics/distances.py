"""Exact comparisons of Euclidean distances at the speed of a matrix product.

The squared distance |x|^2 + |y|^2 - 2 x.y takes one matrix product, but its rounding error grows with |x|: the distance
of a copy is not 0, and ties break at random. Here it decides only comparisons that exceed its error bound. The sum of
squared differences decides the others.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Distances"]

NUMBERS_AT_ONCE = 2**22
"""Maximum number of differences in memory at once."""

SHARE_OF_PAIRS = 8
"""Maximum share (1 in this many) of pairs to compute one by one; beyond, all together are faster."""

EXACT = "donot_use_mm_for_euclid_dist"
"""Mode of `torch.cdist` that sums squared differences."""


class Distances:
    r"""The distances between the rows of `x` and the rows of `y`.

    Parameters
    ----------
    x, y : Tensor, float64 [n, F], [m, F]
        Finite.
    """

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self._x, self._y = x, y
        center = y.mean(dim=0)
        a, b = x - center, y - center
        squares = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)
        self._squared = squares - 2 * a @ b.T
        # Inner products of F terms: error below F eps |a||b| (Higham 2002, "Accuracy and stability of numerical
        # algorithms", section 3.1); 2 |a||b| <= |a|^2 + |b|^2, and a few roundings more on the way.
        self._margin = 4 * (x.shape[1] + 8) * torch.finfo(torch.float64).eps * squares

    def within(self, reach: Tensor) -> Tensor:
        """Return whether each distance is at most `reach`, bool [n, m].

        Parameters
        ----------
        reach : Tensor, float64
            Broadcast to [n, m].
        """
        excess = self._squared - reach.square()
        result = excess <= 0
        rows, columns = (excess.abs() <= self._margin).nonzero(as_tuple=True)
        result[rows, columns] = self._exact(rows, columns) <= reach.expand_as(result)[rows, columns]
        return result

    def nearest(self, k: int) -> Tensor:
        """Return the distance between each row of `x` and its `k`-th nearest row of `y`, float64 [n]."""
        upper = self._squared + self._margin
        kth = upper.topk(k, largest=False).values[:, -1:]
        possible = self._squared - self._margin <= kth
        rows, columns = possible.nonzero(as_tuple=True)
        distances = torch.full_like(self._squared, torch.inf)
        distances[rows, columns] = self._exact(rows, columns)
        return distances.topk(k, largest=False).values[:, -1]

    def _exact(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Return the distances of pairs, float64 [p]."""
        if SHARE_OF_PAIRS * len(rows) > self._squared.numel():
            return torch.cdist(self._x, self._y, compute_mode=EXACT)[rows, columns]
        parts = max(1, NUMBERS_AT_ONCE // self._x.shape[1])
        found = [
            torch.cdist(self._x[i][:, None], self._y[j][:, None], compute_mode=EXACT)
            for i, j in zip(torch.split(rows, parts), torch.split(columns, parts), strict=True)
        ]
        return torch.cat(found).flatten()
