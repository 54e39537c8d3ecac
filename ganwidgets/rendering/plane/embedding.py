"""Nonlinear map of high-dimensional samples to the plane, by UMAP."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.messages import Message
from ganwidgets.rendering.plane.projection import Extent, extent_around

__all__ = ["SEED", "Embedding", "embedding_of"]

SEED = 0
"""Seed of the map: equal samples give equal maps."""

NEIGHBORS, APART = 15, 0.1
"""Number of neighbours and minimum distance, UMAP's defaults."""


class Embedding:
    """A map fitted once, to real samples.

    Parameters
    ----------
    fitted : umap.UMAP

    Attributes
    ----------
    real : float32 array [N, 2]
        Positions of the samples of the fit.
    extent : tuple of float
        ``x0, x1, y0, y1`` of a square around them.
    """

    def __init__(self, fitted: Any) -> None:
        self._fitted = fitted
        self.real: npt.NDArray[np.float32] = np.ascontiguousarray(fitted.embedding_, np.float32)
        self.extent: Extent = extent_around(self.real)

    def points(self, samples: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Return positions of samples ``[M, F]``, float32 ``[M, 2]``; NaN for non-finite samples."""
        places = np.full((len(samples), 2), np.nan, np.float32)
        known = np.isfinite(samples).all(axis=1)
        if known.any():
            places[known] = self._fitted.transform(samples[known])
        return places


def embedding_of(real: npt.NDArray[np.floating]) -> Embedding:
    """Return a map fitted to `real` ``[N, F]``, all finite, N at least 4.

    UMAP (McInnes, Healy and Melville, "UMAP: uniform manifold approximation and projection for dimension
    reduction", 2018), on one thread and from a fixed seed, so that it repeats.

    Raises
    ------
    ImportError
        If umap-learn is not installed.
    """
    try:
        import umap
    except ImportError as error:
        raise ImportError(
            Message(
                "this map needs umap-learn, which does not work here ({error}); install it by pip install "
                "ganwidgets[umap], or let the map be placed by PCA",
                error=str(error),
            )
        ) from error
    neighbors = min(NEIGHBORS, len(real) - 1)
    fitted = umap.UMAP(n_neighbors=neighbors, min_dist=APART, random_state=SEED, n_jobs=1)
    return Embedding(fitted.fit(np.asarray(real, np.float32)))
