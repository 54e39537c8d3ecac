"""Spread of generated points over the clusters of the data, for the verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ganwidgets.metrics.points import Modes

__all__ = ["point_signs"]

DUE = 0.2
"""Share of its expected samples that a cluster must receive to count as served. By chance, a cluster of weight 1/25
gets less than half of them once in 10^6 times for 2,500 samples."""


def point_signs(samples: ArrayLike, reference: ArrayLike, modes: Modes | None) -> dict[str, float]:
    """Return ``extent`` and, if `modes` are known, ``served``; nothing if any sample is not finite.

    ``extent`` is sqrt(tr C / tr C'), where C and C' are the covariances of `samples` [n, F] and of
    `reference` [m, F]. ``served`` is the number of clusters k with n_k / n >= 0.2 w_k, where n_k counts
    the samples whose nearest centre is that of k, in standard deviations of k, and w_k is its weight.
    """
    made, real = np.asarray(samples, np.float64), np.asarray(reference, np.float64)
    if not np.isfinite(made).all():
        return {}
    total: Any = real.var(axis=0).sum()
    found = {"extent": float(np.sqrt(made.var(axis=0).sum() / total))} if total > 0 else {}
    if modes is not None:
        centers, deviations = np.asarray(modes.centers), np.asarray(modes.deviations)
        weights = np.asarray(modes.weights, np.float64)
        squares = (((made[:, None] - centers) / deviations) ** 2).sum(axis=2)
        shares = np.bincount(squares.argmin(axis=1), minlength=len(centers)) / len(made)
        found["served"] = float((shares >= DUE * weights / weights.sum()).sum())
    return found
