"""Metrics of generated points.

Every metric counts every sample. Perfect samples do not get the best possible value: 1.1 % of a planar Gaussian is
beyond three standard deviations, and any two finite samples differ. So show a score beside that of equally many real
samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganwidgets.errors import DataError
from ganwidgets.messages import Message, N_
from ganwidgets.modality.metric import Metric

__all__ = [
    "POINT_METRICS",
    "Modes",
    "captured_modes",
    "evaluate_points",
    "high_quality",
    "jensen_shannon",
    "plane_histogram",
    "reverse_kl",
    "sliced_wasserstein",
]

REACH = 3.0
"""Maximum distance of a sample from its mode's centre, in standard deviations."""
CELLS = 30
"""Number of cells along each side of the grid of :func:`plane_histogram`."""
MARGIN = 0.25
"""Margin of that grid beyond the real samples on each side, as a share of their extent."""
PROJECTIONS = 128
"""Number of directions over which :func:`sliced_wasserstein` averages."""
AT_ONCE = 8
"""Number of directions in memory at the same time."""

POINT_METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "modes": Metric(
            label=N_("Modes found"),
            help=N_(
                "How many of the data's clusters have at least one generated sample within three standard deviations."
            ),
            unit=N_("clusters"),
            better="higher",
            format=".0f",
        ),
        "high_quality": Metric(
            label=N_("High quality"),
            help=N_(
                "The share of generated samples that are within three standard deviations of a cluster's centre."
            ),
            better="higher",
            format=".1%",
        ),
        "reverse_kl": Metric(
            label=N_("Imbalance (reverse KL)"),
            help=N_(
                "How unevenly the good samples are spread over the clusters, compared with the data; 0 is just as in the data."
            ),
            unit=N_("nats"),
            better="lower",
            format=".3f",
        ),
        "jensen_shannon": Metric(
            label=N_("Jensen-Shannon divergence"),
            help=N_(
                "How differently generated and real samples fill the cells of a grid: 0 is the same everywhere, 1 is no cell in common."
            ),
            unit=N_("bits"),
            better="lower",
            format=".3f",
        ),
        "sliced_wasserstein": Metric(
            label=N_("Sliced Wasserstein distance"),
            help=N_(
                "How far the generated samples would have to move to match the real ones, averaged over many directions; "
                "for standardized tables in standard deviations."
            ),
            unit=N_("units of training"),
            better="lower",
            format=".3f",
        ),
    }
)
"""Description of the metrics that :func:`evaluate_points` returns."""


class Modes(Protocol):
    """The clusters of a mixture of Gaussians with axis-aligned covariances.

    Attributes
    ----------
    centers : array [K, F]
    deviations : array [K, F]
        Standard deviations along each axis, all above 0.
    weights : array [K]
        Shares of the samples, up to a common factor.
    """

    @property
    def centers(self) -> Any: ...
    @property
    def deviations(self) -> Any: ...
    @property
    def weights(self) -> Any: ...


def evaluate_points(
    samples: ArrayLike, reference: ArrayLike, modes: Modes | None, seed: int
) -> dict[str, float]:
    """Return all metrics of `samples`, by name.

    Parameters
    ----------
    samples : array [n, F]
        Generated points.
    reference : array [m, F]
        Real points, finite.
    modes
        The clusters of the real points, if known.
    seed : int
        Seed of the directions in :func:`sliced_wasserstein`; any integer.

    Returns
    -------
    dict of str to float
        ``modes``, ``high_quality`` and ``reverse_kl`` if `modes` are known, ``jensen_shannon`` for F = 2,
        ``sliced_wasserstein`` always. If a sample is not finite, modes and high_quality are 0 and the rest is infinite.

    Raises
    ------
    DataError
        If there are no samples or no real ones, or if the shapes do not match.
    """
    samples, reference = _points(samples, "samples"), _points(reference, "reference")
    _refuse_misfit(samples, reference.shape[1])
    scores: dict[str, float] = {}
    if modes is not None:
        scores["modes"] = captured_modes(samples, modes)
        scores["high_quality"] = high_quality(samples, modes)
        scores["reverse_kl"] = reverse_kl(samples, modes)
    if reference.shape[1] == 2:
        scores["jensen_shannon"] = jensen_shannon(samples, reference)
    scores["sliced_wasserstein"] = sliced_wasserstein(samples, reference, seed)
    return scores


def captured_modes(samples: ArrayLike, modes: Modes) -> float:
    """Return the number of modes with at least one sample within 3 standard deviations.

    Distances are Mahalanobis distances: sqrt(sum_f ((x_f - c_f) / s_f)^2). One sample counts as a captured mode, so use
    this number together with others. The protocol is VEEGAN's (Srivastava et al. 2017, section 4) and PacGAN's (Lin et
    al. 2018, section 4). 0 if any sample is not finite.
    """
    return _scored(samples, modes, lambda distances: float((distances <= REACH).any(axis=0).sum()), 0.0)


def high_quality(samples: ArrayLike, modes: Modes) -> float:
    """Return the share of samples within 3 standard deviations of their nearest mode, in [0, 1].

    Same protocol and distances as :func:`captured_modes`. In the plane perfect samples score
    1 - exp(-9/2) = .989; more than about .995 means modes that are narrower than the data's.
    0 if any sample is not finite.
    """
    return _scored(samples, modes, lambda distances: float((distances.min(axis=1) <= REACH).mean()), 0.0)


def reverse_kl(samples: ArrayLike, modes: Modes) -> float:
    """Return the KL divergence between the generated and the true shares of the modes, in nats.

    KL(p || w) = sum_k p_k log(p_k / w_k), where p is the histogram over nearest modes of the
    high-quality samples (:func:`high_quality`) and w the modes' weights; PacGAN (Lin et al. 2018,
    section 4). Infinite if no sample is of high quality or any is not finite. Perfect samples
    score (K - 1) / (2 n) on average, to first order in 1 / n.
    """

    def divergence(distances: NDArray[np.float64]) -> float:
        good = distances.min(axis=1) <= REACH
        if not good.any():
            return np.inf
        counts = np.bincount(distances[good].argmin(axis=1), minlength=distances.shape[1])
        weights = np.asarray(modes.weights, dtype=np.float64)
        return _kullback_leibler(counts / counts.sum(), weights / weights.sum())

    return _scored(samples, modes, divergence, np.inf)


def jensen_shannon(samples: ArrayLike, reference: ArrayLike) -> float:
    """Return the Jensen-Shannon divergence between two sets of points in the plane, in bits, 0 to 1.

    (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2 and logarithms to base 2 (Lin, "Divergence measures based on the
    Shannon entropy", 1991, section IV). p and q are the histograms of :func:`plane_histogram`, not smoothed. Infinite
    if any sample is not finite. Two finite sets from one distribution score above 0, more so for small sets.
    """
    samples, reference = _points(samples, "samples"), _points(reference, "reference")
    _refuse_misfit(samples, 2)
    _refuse_misfit(reference, 2)
    if not np.isfinite(samples).all():
        return np.inf
    p = plane_histogram(samples, reference) / len(samples)
    q = plane_histogram(reference, reference) / len(reference)
    middle = (p + q) / 2
    nats = (_kullback_leibler(p, middle) + _kullback_leibler(q, middle)) / 2
    return float(np.clip(nats / np.log(2), 0.0, 1.0))


def plane_histogram(points: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of `points` [n, 2] in each cell of the grid spanned by `reference` [m, 2].

    Returns
    -------
    array int64 [901]
        Counts in 30 x 30 equal cells, the first coordinate's index changing slowest, over the bounding box of
        `reference` widened by a quarter of its extent on each side; and last, the number of points outside. They sum to
        n. If one coordinate of `reference` is constant, the box is as wide there as on the other side, or 1.
    """
    low, high = reference.min(axis=0), reference.max(axis=0)
    extent = high - low
    extent = np.where(extent > 0, extent, extent.max() or 1.0)
    corner = (low + high) / 2 - (0.5 + MARGIN) * extent
    with np.errstate(over="ignore"):  # an infinite distance is outside
        position = (points - corner) / ((1 + 2 * MARGIN) * extent) * CELLS
    inside = ((position >= 0) & (position < CELLS)).all(axis=1)
    column, row = position[inside].astype(np.int64).T
    counts = np.bincount(column * CELLS + row, minlength=CELLS * CELLS + 1)
    counts[-1] = len(points) - len(column)
    return counts


def sliced_wasserstein(samples: ArrayLike, reference: ArrayLike, seed: int) -> float:
    """Return the sliced 2-Wasserstein distance, in the units of `reference`.

    (mean_u W_2(samples . u, reference . u)^2)^(1/2) over 128 random directions u, uniform on the sphere, drawn from the
    lowest 32 bits of `seed`; Bonneel et al., "Sliced and Radon Wasserstein barycenters of measures", 2015; computed by
    POT. Infinite if any sample is not finite.
    """
    # POT takes two seconds to import, too long for `import ganwidgets`.
    from ot import sliced_wasserstein_distance
    from ot.sliced import get_random_projections

    samples, reference = _points(samples, "samples"), _points(reference, "reference")
    _refuse_misfit(samples, reference.shape[1])
    if not np.isfinite(samples).all():
        return np.inf
    # An own generator: given a number, POT would reseed one that all its users share.
    generator = np.random.RandomState(int(seed) % 2**32)
    directions = get_random_projections(samples.shape[1], PROJECTIONS, generator)
    with np.errstate(over="ignore", invalid="ignore"):
        # In parts: it keeps a dozen arrays of all samples along all directions.
        squares = [
            sliced_wasserstein_distance(samples, reference, p=2, projections=few) ** 2
            for few in np.hsplit(directions, PROJECTIONS // AT_ONCE)
        ]
        distance = np.sqrt(np.mean(squares))
    return float(distance) if np.isfinite(distance) else np.inf


def _scored(
    samples: ArrayLike,
    modes: Modes,
    score: Callable[[NDArray[np.float64]], float],
    broken: float,
) -> float:
    """Return `score` of the distances [n, K] in standard deviations, or `broken` for broken samples."""
    samples = _points(samples, "samples")
    centers = np.asarray(modes.centers, dtype=np.float64)
    deviations = np.asarray(modes.deviations, dtype=np.float64)
    _refuse_misfit(samples, centers.shape[1])
    if not np.isfinite(samples).all():
        return broken
    squares = np.zeros((len(samples), len(centers)))
    with np.errstate(over="ignore"):  # infinitely distant samples belong to no mode
        for f in range(centers.shape[1]):
            squares += np.square((samples[:, f, None] - centers[:, f]) / deviations[:, f])
    return score(np.sqrt(squares))


def _kullback_leibler(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Return sum p log(p / q) in nats; infinite where only q is zero."""
    there = p > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(p[there] * np.log(p[there] / q[there])))


def _points(points: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(
            Message(
                "{name} of shape {shape} cannot be judged: pass at least one point, as [n, F]",
                name=name,
                shape=array.shape,
            )
        )
    return array


def _refuse_misfit(points: NDArray[np.float64], features: int) -> None:
    if points.shape[1] != features:
        raise DataError(
            Message(
                "points with {given} coordinates cannot be judged here: pass points with {needed}",
                given=points.shape[1],
                needed=features,
            )
        )
