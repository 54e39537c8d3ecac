"""Linear projection of samples to the plane, constant within a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Extent", "Projection", "extent_around", "projection_of"]

Extent = tuple[float, float, float, float]

MARGIN = 0.1
"""Margin of a plane without a given extent, as a share of the real points' range."""

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map from samples to the plane.

    Attributes
    ----------
    center : float64 array [F]
    axes : float64 array [F, 2]
        Orthonormal columns; of one feature the second is 0.
    kept : float
        Share of the real samples' variance in the plane.
    """

    center: Floats
    axes: Floats
    kept: float

    @property
    def features(self) -> int:
        """Number of features of a sample."""
        return len(self.center)

    def points(self, samples: Floats) -> npt.NDArray[np.float32]:
        """Return positions of samples ``[..., F]``, float32 ``[..., 2]``."""
        if self.features == 2:
            return np.asarray(samples, np.float32)
        with np.errstate(all="ignore"):
            return self._bounded((samples.astype(np.float64) - self.center) @ self.axes)

    def directions(self, vectors: Floats) -> npt.NDArray[np.float32]:
        """Return directions ``[..., F]`` projected to the plane, float32 ``[..., 2]``."""
        if self.features == 2:
            return np.asarray(vectors, np.float32)
        with np.errstate(all="ignore"):
            return self._bounded(vectors.astype(np.float64) @ self.axes)

    @staticmethod
    def _bounded(places: Floats) -> npt.NDArray[np.float32]:
        limit = np.finfo(np.float32).max
        return np.clip(places, -limit, limit).astype(np.float32)

    def extent(self, samples: Floats) -> Extent:
        """Return the square of the plane around samples ``[M, F]``, with a margin."""
        places = self.points(samples)
        places = places[np.isfinite(places).all(axis=1)]
        if not len(places):
            return -1.0, 1.0, -1.0, 1.0
        if self.features == 1:
            low, high = places.min(axis=0).astype(float), places.max(axis=0).astype(float)
            half = max((0.5 + MARGIN) * (high[0] - low[0]), 1e-3)
            x = (low[0] + high[0]) / 2
            return float(x - half), float(x + half), -1.0, 1.0
        return extent_around(places)


def extent_around(places: Floats) -> Extent:
    """Return the square around finite positions ``[M, 2]``, M at least 1, with a margin."""
    low, high = places.min(axis=0).astype(float), places.max(axis=0).astype(float)
    half = max((0.5 + MARGIN) * float((high - low).max()), 1e-3)
    x, y = (low + high) / 2
    return float(x - half), float(x + half), float(y - half), float(y + half)


def projection_of(real: Floats) -> Projection:
    """Return the projection for samples like `real` ``[M, F]``.

    One or two features are shown directly, a single one along x. More features are projected to the first two principal
    components of the real samples (Pearson, "On lines and planes of closest fit to systems of points in space", 1901),
    each with its largest entry positive.
    """
    features = real.shape[1]
    if features <= 2:
        return Projection(np.zeros(features), np.eye(features, 2), 1.0)
    samples = real[np.isfinite(real).all(axis=1)].astype(np.float64)
    center = samples.mean(axis=0)
    _, spread, directions = np.linalg.svd(samples - center, full_matrices=False)
    axes = np.zeros((features, 2))
    axes[:, : len(directions[:2])] = directions[:2].T
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    total = float((spread**2).sum())
    kept = float((spread[:2] ** 2).sum()) / total if total else 1.0
    return Projection(center, axes * np.where(signs == 0, 1, signs), kept)
