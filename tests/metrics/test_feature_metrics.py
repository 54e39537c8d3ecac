"""Metrics on features, compared with established libraries and with closed forms."""

from __future__ import annotations

import contextlib
import io
import math

import numpy as np
import prdc
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from ganwidgets.errors import DataError
from ganwidgets.metrics.feature_metrics import (
    diversity,
    frechet,
    inception_score,
    kernel_inception,
    neighborhoods,
)

F = 6


def normal(n: int, seed: int = 0, features: int = F) -> torch.Tensor:
    return torch.randn(n, features, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    return normal(300, 1) * torch.linspace(0.5, 1.5, F) + 0.3, normal(260, 2)


class Same(torch.nn.Module):
    """Features that return their input; torchmetrics passes it as images."""

    num_features = F

    def forward(self, x):
        return x.flatten(1)


def theirs(metric, generated, real) -> object:
    metric.update(real[..., None, None].float(), real=True)
    metric.update(generated[..., None, None].float(), real=False)
    return metric.compute()


def test_frechet_equals_that_of_torchmetrics():
    generated, real = pair()
    metric = FrechetInceptionDistance(feature=Same(), normalize=True, input_img_size=(F, 1, 1))
    assert frechet(generated.float(), real.float()) == pytest.approx(
        float(theirs(metric, generated, real)), abs=1e-4
    )


def test_kernel_inception_equals_that_of_torchmetrics():
    generated, real = pair()
    generated = generated[: len(real)]  # theirs compares as many with as many
    metric = KernelInceptionDistance(feature=Same(), subsets=1, subset_size=len(real), normalize=True)
    with torch.random.fork_rng():
        mean, _ = theirs(metric, generated, real)
    assert kernel_inception(generated.float(), real.float()) == pytest.approx(float(mean), abs=1e-4)


def test_inception_score_equals_that_of_torchmetrics():
    logits = 3 * normal(200, 3)
    metric = InceptionScore(feature=Same(), splits=1)
    metric.update(logits[..., None, None].float())
    with torch.random.fork_rng():
        mean, _ = metric.compute()
    assert inception_score(logits.softmax(dim=1)) == pytest.approx(float(mean), abs=1e-4)


def test_neighborhood_metrics_equal_those_of_prdc():
    generated, real = pair()
    ours = neighborhoods(generated, real)
    with contextlib.redirect_stdout(io.StringIO()):
        three, five = (prdc.compute_prdc(real.numpy(), generated.numpy(), nearest_k=k) for k in (3, 5))
    assert ours.precision == pytest.approx(three["precision"], abs=1e-4)
    assert ours.recall == pytest.approx(three["recall"], abs=1e-4)
    assert ours.density == pytest.approx(five["density"], abs=1e-4)
    assert ours.coverage == pytest.approx(five["coverage"], abs=1e-4)
    assert 0 < ours.precision < 1
    assert 0 < ours.coverage < 1


def whitened(n: int, seed: int) -> torch.Tensor:
    """Return rows with mean 0 and covariance 1, exactly."""
    x = normal(n, seed)
    x = x - x.mean(dim=0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(x.T @ x / (n - 1))).T


@given(scale=st.floats(0.1, 4), shift=st.floats(-3, 3))
def test_frechet_of_gaussians_equals_the_closed_form(scale, shift):
    # |m|^2 + tr(I + s^2 I - 2 s I), whatever the direction of the shift
    expected = F * (shift**2 + (1 - scale) ** 2)
    assert frechet(scale * whitened(50, 4) + shift, whitened(60, 5)) == pytest.approx(expected, abs=1e-8)


def test_frechet_of_non_commuting_gaussians_equals_the_closed_form():
    a, b = torch.tensor([[2.0, 0.5], [0.5, 1.0]]), torch.tensor([[1.0, -0.3], [-0.3, 3.0]])
    roots = [torch.linalg.cholesky(c.double()) for c in (a, b)]
    x, y = (whitened(40, seed)[:, :2] @ root.T for seed, root in zip((6, 7), roots, strict=True))
    # tr (A B)^(1/2) of a 2x2 matrix is (tr AB + 2 (det AB)^(1/2))^(1/2)
    product = a.double() @ b.double()
    cross = math.sqrt(float(product.trace()) + 2 * math.sqrt(float(torch.linalg.det(product))))
    expected = float(a.trace() + b.trace()) - 2 * cross
    assert frechet(x, y) == pytest.approx(expected, abs=1e-8)


def test_kernel_inception_is_unbiased():
    draws = [kernel_inception(normal(40, seed), normal(40, seed + 1000)) for seed in range(200)]
    assert abs(np.mean(draws)) < 3 * np.std(draws) / math.sqrt(len(draws))
    assert min(draws) < 0


def test_expected_coverage_of_perfect_samples():
    # Naeem et al. 2020, lemma 2: 1 - [(n-1)...(n-k)] / [(2n-1)...(2n-k)] for as many samples of either kind
    n, k = 100, 5
    expected = 1 - math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))
    found = [neighborhoods(normal(n, seed), normal(n, seed + 500)).coverage for seed in range(60)]
    assert np.mean(found) == pytest.approx(expected, abs=0.01)


def test_density_of_perfect_samples_is_one():
    found = [neighborhoods(normal(100, seed), normal(100, seed + 500)).density for seed in range(60)]
    assert np.mean(found) == pytest.approx(1, abs=0.05)


def test_inception_score_at_its_extremes():
    assert inception_score(torch.eye(10).repeat(3, 1)) == pytest.approx(10)
    assert inception_score(torch.full((20, 10), 0.1)) == pytest.approx(1)


def test_copies_of_the_data_are_perfect_and_one_repeated_sample_is_not():
    real = normal(60)
    same = neighborhoods(real, real)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert frechet(real, real) == pytest.approx(0, abs=1e-9)
    assert diversity(real, real) == 1
    one = real[:1].repeat(60, 1)
    collapsed = neighborhoods(one, real)
    assert collapsed.precision == 1
    assert collapsed.coverage < 0.3
    assert diversity(one, real) == pytest.approx(0, abs=1e-6)


@given(bad=st.sampled_from([math.nan, math.inf, -math.inf]), place=st.integers(0, 10**6))
def test_one_non_finite_number_makes_every_metric_the_worst(bad, place):
    generated, real = normal(9), normal(9, 1)
    generated.view(-1)[place % generated.numel()] = bad
    assert frechet(generated, real) == kernel_inception(generated, real) == math.inf
    near = neighborhoods(generated, real)
    assert (near.precision, near.recall, near.density, near.coverage) == (0, 0, 0, 0)
    assert diversity(generated, real) == 0
    assert inception_score(generated) == 1


@given(n=st.integers(2, 8), m=st.integers(2, 8), alike=st.booleans())
def test_few_samples_have_finite_metrics(n, m, alike):
    generated, real = normal(n, 1), normal(m, 2)
    if alike:
        real = torch.zeros_like(real)
    near = neighborhoods(generated, real)
    for value in (frechet(generated, real), kernel_inception(generated, real), diversity(generated, real)):
        assert math.isfinite(value)
    assert all(0 <= value <= 1 for value in (near.precision, near.recall, near.coverage))


@pytest.mark.parametrize(
    ("generated", "real"),
    [(normal(1), normal(5)), (normal(5), normal(5, features=3)), (normal(5)[0], normal(5))],
)
def test_sets_that_cannot_be_compared_are_refused(generated, real):
    for figure in (frechet, kernel_inception, neighborhoods, diversity):
        with pytest.raises(DataError, match="cannot be compared"):
            figure(generated, real)
