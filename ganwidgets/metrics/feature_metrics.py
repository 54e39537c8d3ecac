"""How much two sets of features differ: the figures that the field knows, each from its formula.

They are computed here, in double precision, and not by torchmetrics, because that draws subsets from
torch's global generator, which belongs to whoever else uses it; the tests hold each of them against
torchmetrics and prdc.

What perfect samples score is not the best imaginable value, and it depends on how many there are: the
Frechet distance of two finite sets is above 0, the more so the fewer they are. So show a score beside
that of as many real samples.
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
"""Neighbours that span a ball, for precision and recall and for density and coverage: the papers' own."""

ROWS_AT_ONCE = 1024
"""Rows of a matrix of distances that are held at a time; a bound on memory."""


@dataclass(frozen=True)
class Neighborhoods:
    """Whether each set lies where the other does.

    Attributes
    ----------
    precision : float
        Share of the generated samples within a ball around a real one: do they look real?
    recall : float
        Share of the real samples within a ball around a generated one: can all of them be made?
    density : float
        Balls of real samples that a generated one lies in, on average, as a multiple of those it
        would lie in if it were real; not bounded by 1.
    coverage : float
        Share of the real samples' balls with a generated sample in them.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def frechet(generated: ArrayLike, real: ArrayLike) -> float:
    """Return the Frechet distance of two Gaussians with the moments of two sets of features.

    |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)) with unbiased covariances S, S'; Heusel et al. 2017, "GANs
    trained by a two time-scale update rule converge to a local Nash equilibrium", equation 6, who
    take Inception's features.

    Parameters
    ----------
    generated, real : array [n, F], [m, F]
        At least two rows each. Anything not finite among `generated` makes it infinite.
    """
    a, b = _features(generated, real)
    if not torch.isfinite(a).all():
        return float("inf")
    half = _root(_covariance(b))
    middle = torch.linalg.eigvalsh(half @ _covariance(a) @ half).clamp(min=0).sqrt().sum()
    spread = a.var(dim=0).sum() + b.var(dim=0).sum() - 2 * middle
    return max(0.0, float((a.mean(dim=0) - b.mean(dim=0)).square().sum() + spread))


def kernel_inception(generated: ArrayLike, real: ArrayLike) -> float:
    """Return the squared maximum mean discrepancy, estimated without bias; it may fall below 0.

    With the kernel k(x, y) = (x.y / F + 1)^3 over all pairs of different samples; Binkowski et al. 2018,
    "Demystifying MMD GANs", section 4, who take Inception's features and average over blocks.

    Parameters
    ----------
    generated, real : array [n, F], [m, F]
        At least two rows each. Anything not finite among `generated` makes it infinite.
    """
    a, b = _features(generated, real)
    if not torch.isfinite(a).all():
        return float("inf")
    return _kernel_mean(a) + _kernel_mean(b) - 2 * float(_kernel(a, b).mean())


def inception_score(probabilities: ArrayLike) -> float:
    """Return exp of the mean KL divergence of each sample's class probabilities from their mean.

    Between 1 (all samples are read alike) and the number of classes; Salimans et al. 2016, "Improved
    techniques for training GANs", section 4, over one split. 1 if any is not finite.

    Parameters
    ----------
    probabilities : array [n, K]
        Each row adds up to 1.
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
        At least two rows each. Anything not finite among `generated` makes all of them 0.
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
    """Return how far apart two generated samples are, on average, as a share of two real ones.

    Near 0 where all samples look the same; 1 is as varied as the data. The mean distance of random
    pairs is the measure of diversity of Zhu et al. 2017, "Toward multimodal image-to-image
    translation", section 5.2; here the pairs are each sample of the first half with each of the
    second. 0 if anything generated is not finite.
    """
    a, b = _features(generated, real)
    if not torch.isfinite(a).all():
        return 0.0
    apart = _mean_distance(b)
    return _mean_distance(a) / apart if apart > 0 else float(_mean_distance(a) == 0)


def ranked_above(higher: ArrayLike, lower: ArrayLike) -> float:
    """Return how often a number of one set is above a number of the other, a tie counting half.

    1/2 where both have the same distribution, 1 where all of the first are above all of the second: the
    statistic U of Mann & Whitney 1947, "On a test of whether one of two random variables is stochastically
    larger than the other", divided by the number of pairs. NaN where there is a number that is not.

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
