"""Distances between two sets of features, each computed from its published formula.

They are computed here in double precision, not by torchmetrics, because that draws subsets from torch's global
generator. The tests compare each metric with torchmetrics and prdc.

Perfect samples do not get the best possible value, and their score depends on the number of samples. For example, the
Frechet distance between two finite sets of one distribution is above 0, more so for small sets. So show a score beside
that of equally many real samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.metrics.distances import Distances

__all__ = [
    "Neighborhoods",
    "diversity",
    "frechet",
    "inception_score",
    "kernel_inception",
    "neighborhoods",
    "ranked_above",
]

NEAREST_MANIFOLD, NEAREST_COVERAGE = 3, 5
"""Neighbours that define a ball's radius, for precision and recall and for density and coverage, as in the papers."""

ROWS_AT_ONCE = 1024
"""Number of rows of a distance matrix in memory; a bound on memory."""


@dataclass(frozen=True)
class Neighborhoods:
    """Overlap of generated and real samples.

    Attributes
    ----------
    precision : float
        Share of the generated samples within a ball around a real one: realism.
    recall : float
        Share of the real samples within a ball around a generated one: variety.
    density : float
        Mean number of real samples' balls around a generated sample, divided by its expectation for real samples; not
        bounded by 1.
    coverage : float
        Share of the real samples' balls that contain a generated sample.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def frechet(generated: ArrayLike, real: ArrayLike) -> float:
    """Return the Frechet distance of two Gaussians with the moments of two sets of features.

    |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)) with unbiased covariances S, S' (Heusel et al. 2017, "GANs trained by a two
    time-scale update rule converge to a local Nash equilibrium", equation 6, with Inception's features).

    Parameters
    ----------
    generated, real : array [n, F], [m, F]
        At least two rows each. Non-finite values in `generated` make the result infinite.
    """
    a, b = _features(generated, real)
    if not torch.isfinite(a).all():
        return float("inf")
    half = _root(_covariance(b))
    middle = torch.linalg.eigvalsh(half @ _covariance(a) @ half).clamp(min=0).sqrt().sum()
    spread = a.var(dim=0).sum() + b.var(dim=0).sum() - 2 * middle
    return max(0.0, float((a.mean(dim=0) - b.mean(dim=0)).square().sum() + spread))


def kernel_inception(generated: ArrayLike, real: ArrayLike) -> float:
    """Return an unbiased estimate of the squared maximum mean discrepancy; it may be negative.

    The kernel is k(x, y) = (x.y / F + 1)^3, over all pairs of different samples (Binkowski et al. 2018, "Demystifying
    MMD GANs", section 4, with Inception's features and averages over blocks).

    Parameters
    ----------
    generated, real : array [n, F], [m, F]
        At least two rows each. Non-finite values in `generated` make the result infinite.
    """
    a, b = _features(generated, real)
    if not torch.isfinite(a).all():
        return float("inf")
    return _kernel_mean(a) + _kernel_mean(b) - 2 * float(_kernel(a, b).mean())


def inception_score(probabilities: ArrayLike) -> float:
    """Return exp of the mean KL divergence between each sample's class probabilities and their mean.

    From 1 (all samples get the same probabilities) to the number of classes; Salimans et al. 2016, "Improved techniques
    for training GANs", section 4, over one split. 1 if any value is not finite.

    Parameters
    ----------
    probabilities : array [n, K]
        Each row sums to 1.
    """
    p = torch.as_tensor(probabilities, dtype=torch.float64)
    if not torch.isfinite(p).all():
        return 1.0
    divergence = (torch.xlogy(p, p) - torch.xlogy(p, p.mean(dim=0))).sum(dim=1)
    return max(1.0, float(divergence.mean().exp()))


def neighborhoods(generated: ArrayLike, real: ArrayLike) -> Neighborhoods:
    """Return precision and recall, density and coverage.

    A ball around a sample reaches to its 3rd nearest neighbour of the same set for precision and
    recall (Kynkaanniemi et al. 2019, "Improved precision and recall metric for assessing generative
    models", equations 1 and 2), to the 5th for density and coverage (Naeem et al. 2020, "Reliable
    fidelity and diversity metrics for generative models", equations 4 and 5); never further than the
    set has samples.

    Parameters
    ----------
    generated, real : array [n, F], [m, F]
        At least two rows each. Non-finite values in `generated` make all of them 0.
    """
    a, b = _features(generated, real)
    if not torch.isfinite(a).all():
        return Neighborhoods(0.0, 0.0, 0.0, 0.0)
    k = min(NEAREST_COVERAGE, len(b) - 1)
    around_a = _radii(a, min(NEAREST_MANIFOLD, len(a) - 1))
    around_b, wider_b = _radii(b, min(NEAREST_MANIFOLD, len(b) - 1)), _radii(b, k)
    precise, within = 0, 0
    recalled = torch.zeros(len(b), dtype=torch.bool)
    covered = torch.zeros(len(b), dtype=torch.bool)
    for rows, reach in zip(torch.split(a, ROWS_AT_ONCE), torch.split(around_a, ROWS_AT_ONCE), strict=True):
        distances = Distances(rows, b)
        precise += int(distances.within(around_b).any(dim=1).sum())
        recalled |= distances.within(reach[:, None]).any(dim=0)
        inside = distances.within(wider_b)
        within += int(inside.sum())
        covered |= inside.any(dim=0)
    return Neighborhoods(
        precision=precise / len(a),
        recall=float(recalled.double().mean()),
        density=within / (k * len(a)),
        coverage=float(covered.double().mean()),
    )


def diversity(generated: ArrayLike, real: ArrayLike) -> float:
    """Return the mean distance of two generated samples, divided by that of two real ones.

    Near 0 if all samples look the same; 1 if they are as varied as the data. The mean distance of random pairs is the
    diversity measure of Zhu et al. 2017, "Toward multimodal image-to-image translation", section 5.2. Here the pairs
    are each sample of the first half with each of the second. 0 if `generated` has a non-finite value.
    """
    a, b = _features(generated, real)
    if not torch.isfinite(a).all():
        return 0.0
    apart = _mean_distance(b)
    return _mean_distance(a) / apart if apart > 0 else float(_mean_distance(a) == 0)


def ranked_above(higher: ArrayLike, lower: ArrayLike) -> float:
    """Return the probability that a number of one set exceeds a number of the other; a tie counts half.

    1/2 for equal distributions, 1 if the first set is entirely above the second: the statistic U of Mann & Whitney
    1947, "On a test of whether one of two random variables is stochastically larger than the other", divided by the
    number of pairs. NaN if any number is NaN.

    Parameters
    ----------
    higher, lower : array [n], [m]
        At least one number each.
    """
    a = torch.as_tensor(higher, dtype=torch.float64)
    b = torch.as_tensor(lower, dtype=torch.float64)
    if a.isnan().any() or b.isnan().any():
        return float("nan")
    return float(((a[:, None] > b).double() + (a[:, None] == b).double() / 2).mean())


def _features(generated: ArrayLike, real: ArrayLike) -> tuple[Tensor, Tensor]:
    a = torch.as_tensor(generated, dtype=torch.float64)
    b = torch.as_tensor(real, dtype=torch.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or len(a) < 2 or len(b) < 2:
        raise DataError(
            Message(
                "features of shapes {generated} and {real} cannot be compared; pass [n, F] and [m, F], with at "
                "least two rows each",
                generated=tuple(a.shape),
                real=tuple(b.shape),
            )
        )
    return a, b


def _covariance(x: Tensor) -> Tensor:
    centred = x - x.mean(dim=0)
    return centred.T @ centred / (len(x) - 1)


def _root(covariance: Tensor) -> Tensor:
    """Return the symmetric square root of a covariance."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _kernel_mean(x: Tensor) -> float:
    """Return the mean of the kernel over all pairs of different rows."""
    kernel = _kernel(x, x)
    n = len(x)
    return float(kernel.sum() - kernel.diagonal().sum()) / (n * (n - 1))


def _radii(x: Tensor, k: int) -> Tensor:
    """Return each row's distance to its `k`-th nearest other row."""
    return torch.cat([Distances(rows, x).nearest(k + 1) for rows in torch.split(x, ROWS_AT_ONCE)])


def _mean_distance(x: Tensor) -> float:
    """Return the mean distance of each row of the first half from each of the second."""
    half = len(x) // 2
    distances = [torch.cdist(rows, x[half:]).mean(dim=1) for rows in torch.split(x[:half], ROWS_AT_ONCE)]
    return float(torch.cat(distances).mean())
