from types import SimpleNamespace

import numpy as np
import ot
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ganwidgets.errors import DataError
from ganwidgets.metrics import (
    METRICS,
    captured_modes,
    evaluate_points,
    high_quality,
    jensen_shannon,
    plane_histogram,
    reverse_kl,
    sliced_wasserstein,
)

BROKEN = {
    "modes": 0.0,
    "high_quality": 0.0,
    "reverse_kl": np.inf,
    "jensen_shannon": np.inf,
    "sliced_wasserstein": np.inf,
}


def mixture(
    k: int = 8, features: int = 2, deviation: float | tuple = 0.02, weights=None, seed: int = 3
) -> SimpleNamespace:
    """Well separated modes, in random order."""
    centers = 10 * np.random.default_rng(seed).permutation(k)[:, None] + np.arange(features)
    return SimpleNamespace(
        centers=centers.astype(np.float32),
        deviations=np.broadcast_to(np.float32(deviation), centers.shape),
        weights=np.full(k, 1 / k, np.float32) if weights is None else np.asarray(weights, np.float32),
    )


def drawn(modes: SimpleNamespace, n: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    shares = np.asarray(modes.weights, float)
    chosen = random.choice(len(shares), n, p=shares / shares.sum())
    points = modes.centers[chosen] + modes.deviations[chosen] * random.standard_normal(
        (n, modes.centers.shape[1])
    )
    return points.astype(np.float32)


def normal(n: int, features: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, features))


finite_points = arrays(
    np.float64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.floats(-1e300, 1e300)
)


# --- all metrics together -------------------------------------------------------------------------


def test_the_metrics_are_those_that_apply_to_the_data():
    modes = mixture()
    points = drawn(modes, 50)
    everything = evaluate_points(points, points, modes, 0)
    assert [*everything, "overfitting"] == list(METRICS["points"])
    assert all(type(value) is float for value in everything.values())
    assert set(evaluate_points(points, points, None, 0)) == {"jensen_shannon", "sliced_wasserstein"}
    assert set(evaluate_points(normal(9, 3), normal(9, 3), None, 0)) == {"sliced_wasserstein"}
    assert set(evaluate_points(normal(9, 3), normal(9, 3), mixture(2, 3), 0)) == {
        "modes",
        "high_quality",
        "reverse_kl",
        "sliced_wasserstein",
    }


def test_every_metric_has_a_label_and_a_description():
    for metric in METRICS["points"].values():
        assert metric.label
        assert metric.help.endswith(".")
        assert metric.better in {"higher", "lower"}
        assert format(0.5, metric.format)
        assert "inf" in format(np.inf, metric.format)


@given(
    points=arrays(np.float64, st.tuples(st.integers(1, 20), st.just(2)), elements=st.floats(-1, 1)),
    bad=st.sampled_from([np.nan, np.inf, -np.inf]),
    where=st.integers(0, 10**6),
)
def test_one_non_finite_sample_makes_every_metric_the_worst(points, bad, where):
    points.flat[where % points.size] = bad
    assert evaluate_points(points, normal(20), mixture(2), 0) == BROKEN


@given(points=finite_points, seed=st.integers(-(2**70), 2**70))
def test_scores_are_never_nan(points, seed):
    scores = evaluate_points(points, normal(20), mixture(3), seed)
    assert not any(np.isnan(value) for value in scores.values())
    assert 0 <= scores["modes"] <= 3
    assert 0 <= scores["high_quality"] <= 1
    assert scores["reverse_kl"] >= -1e-12
    assert 0 <= scores["jensen_shannon"] <= 1
    assert scores["sliced_wasserstein"] >= 0


@pytest.mark.parametrize(
    ("samples", "reference"),
    [
        (np.empty((0, 2)), normal(5)),
        (normal(5), np.empty((0, 2))),
        (np.empty((5, 0)), np.empty((5, 0))),
        (normal(5)[:, 0], normal(5)),
        (normal(5, 3), normal(5, 2)),
    ],
)
def test_samples_that_cannot_be_measured_are_refused(samples, reference):
    with pytest.raises(DataError):
        evaluate_points(samples, reference, None, 0)


@pytest.mark.parametrize("metric", [captured_modes, high_quality, reverse_kl])
def test_each_metric_of_the_modes_refuses_them_too(metric):
    with pytest.raises(DataError):
        metric(np.empty((0, 2)), mixture())
    with pytest.raises(DataError):
        metric(normal(5, 3), mixture())


def test_evaluation_is_repeatable_and_leaves_global_generators_unchanged():
    np.random.seed(0)  # noqa: NPY002 - the global generator is what the test is about
    before = np.random.get_state()  # noqa: NPY002
    shared = ot.backend.NumpyBackend.rng_.get_state()
    a, b = normal(100, seed=1), normal(100, seed=2)
    first, again, other = (evaluate_points(a, b, None, seed) for seed in (5, 5, 6))
    after = np.random.get_state()  # noqa: NPY002
    for left, right in ((before, after), (shared, ot.backend.NumpyBackend.rng_.get_state())):
        assert left[2] == right[2]
        assert np.array_equal(left[1], right[1])
    assert first == again
    assert first["sliced_wasserstein"] != other["sliced_wasserstein"]


# --- modes ----------------------------------------------------------------------------------------


def test_perfect_samples_have_the_theoretical_score():
    """In the plane a share of 1 - exp(-9/2) is within three deviations."""
    modes = mixture(deviation=(0.02, 0.3))
    points = drawn(modes, 100_000)
    assert captured_modes(points, modes) == 8
    assert high_quality(points, modes) == pytest.approx(1 - np.exp(-4.5), abs=0.001)


def test_perfect_samples_have_the_theoretical_floor_of_reverse_kl():
    """(K - 1) / (2 n) on average."""
    modes = mixture(25)
    scores = [reverse_kl(drawn(modes, 2500, seed), modes) for seed in range(100)]
    assert np.mean(scores) == pytest.approx(24 / 5000, rel=0.1)


@pytest.mark.parametrize(("deviations", "inside"), [(2.99, True), (3.01, False)])
@pytest.mark.parametrize("axis", [0, 1])
def test_three_deviations_are_counted_along_each_axis(deviations, inside, axis):
    modes = mixture(deviation=(0.02, 0.3))
    point = modes.centers[:1].astype(float)
    point[0, axis] += deviations * modes.deviations[0, axis]
    assert captured_modes(point, modes) == inside
    assert high_quality(point, modes) == inside
    assert np.isfinite(reverse_kl(point, modes)) == inside


@pytest.mark.parametrize("n", [1, 3, 8])
def test_lost_modes_reduce_the_scores(n):
    modes = mixture()
    points = np.repeat(modes.centers[:n], 10, axis=0)
    assert captured_modes(points, modes) == n
    assert high_quality(points, modes) == 1
    assert reverse_kl(points, modes) == pytest.approx(np.log(8 / n), abs=1e-6)


def test_one_sample_captures_a_mode_and_outliers_lower_quality():
    modes = mixture(4)
    points = np.concatenate([modes.centers[:1], np.full((9, 2), 1e6)])
    assert captured_modes(points, modes) == 1
    assert high_quality(points, modes) == 0.1
    assert reverse_kl(points, modes) == pytest.approx(np.log(4), abs=1e-6)


def test_a_sample_between_overlapping_modes_counts_for_both():
    modes = SimpleNamespace(centers=[[0.0, 0.0], [0.1, 0.0]], deviations=np.ones((2, 2)), weights=[1, 1])
    assert captured_modes([[0.02, 0.0]], modes) == 2
    assert reverse_kl([[0.02, 0.0]], modes) == pytest.approx(np.log(2))  # but is counted once


def test_reverse_kl_uses_the_datas_weights_whatever_their_sum():
    modes = mixture(3, weights=[6, 3, 1])
    points = np.repeat(modes.centers, [6, 3, 1], axis=0)
    assert reverse_kl(points, modes) == pytest.approx(0, abs=1e-12)
    expected = sum(1 / 3 * np.log(1 / 3 / w) for w in (0.6, 0.3, 0.1))
    assert reverse_kl(modes.centers, modes) == pytest.approx(expected, abs=1e-6)


def test_reverse_kl_without_any_good_sample_is_infinite():
    assert reverse_kl(np.full((5, 2), -1e6), mixture()) == np.inf


# --- Jensen-Shannon -------------------------------------------------------------------------------


def test_jensen_shannon_of_the_same_points_is_zero():
    points = normal(500)
    assert jensen_shannon(points, points) == 0
    assert jensen_shannon(np.random.default_rng(1).permutation(points), points) == 0


def test_jensen_shannon_of_points_with_no_cell_in_common_is_one_bit():
    reference = np.random.default_rng(0).uniform(-1, 0, (500, 2))
    assert jensen_shannon(reference + 100, reference) == 1
    halves = np.concatenate([reference, reference + np.array([1.0, 0.0])])
    assert jensen_shannon(halves[:500], halves[500:]) == 1


def test_jensen_shannon_of_half_overlapping_points():
    """p = (1, 0) and q = (1/2, 1/2) differ by (3 log2(4/3)) / 4 bits."""
    one, two = np.zeros((10, 2)), np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    assert jensen_shannon(one, two) == pytest.approx(0.75 * np.log2(4 / 3))


@given(points=finite_points, reference=finite_points)
def test_the_grid_counts_every_sample_once(points, reference):
    reference = np.clip(reference, -1e100, 1e100)
    for counted in (points, reference):
        counts = plane_histogram(counted, reference)
        assert counts.shape == (901,)
        assert counts.sum() == len(counted)
    assert plane_histogram(reference, reference)[-1] == 0


def test_the_grid_reaches_a_quarter_beyond_the_reference():
    reference = np.array([[0.0, 10.0], [4.0, 14.0]])
    inside = [[-0.99, 12.0], [4.99, 12.0], [2.0, 9.01], [2.0, 14.99]]
    outside = [[-1.01, 12.0], [5.01, 12.0], [2.0, 8.99], [2.0, 15.01]]
    counts = plane_histogram(np.array(inside + outside), reference)
    assert counts[:-1].sum() == 4
    assert counts[-1] == 4


def test_samples_outside_the_grid_count_against_the_generator():
    """A histogram over the grid alone would contain two thirds of these samples, and look right."""
    reference = np.random.default_rng(0).uniform(-1, 1, (3000, 2))
    astray = reference.copy()
    astray[::3] += 50
    score = jensen_shannon(astray, reference)
    # p = 2/3 q inside and 1/3 outside, where q is 0.
    p, q = np.array([2 / 3, 1 / 3]), np.array([1, 0.0])
    middle = (p + q) / 2
    expected = (np.sum(p * np.log2(p / middle)) + np.log2(1 / middle[0])) / 2
    assert score == pytest.approx(expected, abs=0.02)
    assert score > 0.15


@pytest.mark.parametrize("axis", [0, 1])
def test_reference_on_a_line_still_has_a_grid(axis):
    reference = normal(200)
    reference[:, axis] = 0.5
    moved = reference.copy()
    moved[:, axis] += 3.0
    assert jensen_shannon(reference, reference) == 0
    assert jensen_shannon(moved, reference) > 0.9
    assert jensen_shannon(np.ones((3, 2)), np.ones((5, 2))) == 0


def test_jensen_shannon_is_for_the_plane():
    with pytest.raises(DataError, match="3 coordinates"):
        jensen_shannon(normal(5, 3), normal(5, 3))


# --- sliced Wasserstein ---------------------------------------------------------------------------


@pytest.mark.parametrize("features", [1, 2, 5])
def test_sliced_wasserstein_of_shifted_points_is_the_shift_over_root_f(features):
    """A shift by d moves every projection by d . u, and the mean of (d . u)^2 is |d|^2 / F."""
    points = normal(300, features)
    shift = np.linspace(1, 2, features)
    estimates = [sliced_wasserstein(points + shift, points, seed) ** 2 for seed in range(20)]
    assert np.sqrt(np.mean(estimates)) == pytest.approx(np.linalg.norm(shift) / np.sqrt(features), rel=0.05)


def test_sliced_wasserstein_between_gaussians_of_two_sizes():
    """Between N(0, I) and N(0, s^2 I) every projection is |s - 1| away."""
    assert sliced_wasserstein(3 * normal(20_000, seed=1), normal(20_000, seed=2), 0) == pytest.approx(
        2, rel=0.02
    )


def test_sliced_wasserstein_takes_any_number_of_samples():
    assert sliced_wasserstein(np.repeat(normal(50), 3, axis=0), normal(50), 0) == pytest.approx(0, abs=1e-7)


def test_sliced_wasserstein_equals_that_of_pot():
    a, b = normal(70, 3, seed=1), normal(50, 3, seed=2)
    expected = ot.sliced_wasserstein_distance(a, b, n_projections=128, p=2, seed=11)
    assert sliced_wasserstein(a, b, 11) == pytest.approx(expected, rel=1e-12)


def test_sliced_wasserstein_of_points_too_far_to_measure_is_infinite():
    assert sliced_wasserstein(np.full((5, 2), 1e300), normal(5), 0) == np.inf
