"""Comparisons of distances equal those of the plain formula in every bit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwidgets.metrics.distances import Distances
from ganwidgets.metrics.feature_metrics import neighborhoods

EXACT = "donot_use_mm_for_euclid_dist"


@st.composite
def rows(draw) -> tuple[torch.Tensor, torch.Tensor]:
    """Two sets with copies, ties, small differences, and a mean far from 0."""
    draws = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    features, n, m = draw(st.integers(1, 40)), draw(st.integers(1, 40)), draw(st.integers(6, 40))
    y = torch.randn(m, features, generator=draws, dtype=torch.float64)
    if draw(st.booleans()):
        y = y.round()  # many ties
    y = y * draw(st.sampled_from([1, 1e-9, 1e5])) + draw(st.sampled_from([0, 1, 1e6]))
    x = y[torch.randint(m, (n,), generator=draws)]
    return x + torch.randn(x.shape, generator=draws, dtype=x.dtype) * draw(st.sampled_from([0, 1e-12, 1])), y


@given(rows(), st.integers(1, 6))
def test_comparisons_equal_those_of_the_plain_formula(pair, k):
    x, y = pair
    plain = torch.cdist(x, y, compute_mode=EXACT)
    nearest = plain.sort(dim=1).values[:, k - 1]
    assert torch.equal(Distances(x, y).nearest(k), nearest)
    around = torch.cdist(y, y, compute_mode=EXACT).sort(dim=1).values[:, k - 1]
    assert torch.equal(Distances(x, y).within(around), plain <= around)
    assert torch.equal(Distances(x, y).within(nearest[:, None]), plain <= nearest[:, None])


@pytest.mark.parametrize("offset", [0, 10, 1e4, 1e7])
@pytest.mark.parametrize("features", [2, 64, 300])
def test_the_density_of_copies_does_not_depend_on_their_position(features, offset):
    # Each ball around a real sample holds its k nearest and itself: k + 1 of the copies.
    real = (
        torch.randn(200, features, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + offset
    )
    near = neighborhoods(real, real)
    assert (near.precision, near.recall, near.coverage) == (1, 1, 1)
    assert near.density == pytest.approx(6 / 5, abs=1e-12)
