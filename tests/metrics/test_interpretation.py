"""The one-sentence verdict on the metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ganwidgets.metrics import Observed, evaluate_points, findings, verdict
from ganwidgets.metrics.spread import point_signs

PERFECT = {"frechet": 0.1, "precision": 0.9, "density": 1.0, "coverage": 0.96, "modes": 10.0}
RING = {"modes": 8.0, "high_quality": 0.989, "reverse_kl": 0.001, "sliced_wasserstein": 0.02}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "nearly as good and as varied"),
        ({"precision": 0.6}, "something to gain"),
        ({"precision": 0.1, "density": 0.05}, "do not look real yet"),
        ({"coverage": 0.2}, "too much alike"),
        ({"coverage": 0.2, "modes": 3.0}, "too much alike"),
        ({"modes": 7.0}, "only 7 of 10 classes"),
        ({"frechet": math.inf, "precision": 0.0}, "broken numbers"),
    ],
)
def test_images(changes, sentence):
    assert sentence in verdict("images", {**PERFECT, **changes}, PERFECT)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "nearly indistinguishable"),
        ({"modes": 3.0}, "Only 3 of 8 clusters"),
        ({"high_quality": 0.6}, "points are between them"),
        ({"reverse_kl": 0.4}, "far too many"),
        ({"modes": 0.0, "reverse_kl": math.inf, "sliced_wasserstein": math.inf}, "broken numbers"),
    ],
)
def test_points_in_clusters(changes, sentence):
    assert sentence in verdict("points", {**RING, **changes}, RING)


@pytest.mark.parametrize(
    ("distance", "sentence"), [(0.03, "nearly indistinguishable"), (0.1, "nearly"), (0.5, "do not match")]
)
def test_other_points(distance, sentence):
    floors = {"sliced_wasserstein": 0.02}
    assert sentence in verdict("points", {"sliced_wasserstein": distance}, floors)


def test_without_metrics_there_is_no_verdict():
    assert verdict("images", {}, PERFECT) == verdict("images", PERFECT, {}) == ""


# --- made-up samples, judged by their measured signs -------------------------------------------------

ANGLES = np.random.default_rng(0).uniform(0, 2 * np.pi, 2500)
CENTERS = np.array([(np.cos(a), np.sin(a)) for a in np.arange(8) * np.pi / 4])
LIVE = {"logit_spread": 1.0, "grad_norm_g": 0.5, "accuracy_real": 0.7, "accuracy_fake": 0.6}


class Ring:
    centers, deviations, weights = CENTERS, np.full((8, 2), 0.01), np.full(8, 1 / 8)


def around(centers, sigma=0.01, n=2500, seed=0):
    draw = np.random.default_rng(seed)
    return centers[draw.integers(len(centers), size=n)] + sigma * draw.normal(size=(n, 2))


def symptoms(samples, iteration=5000, **signs):
    real = around(CENTERS)
    figures = evaluate_points(samples, real, Ring, 0)
    floors = evaluate_points(around(CENTERS, seed=1), real, Ring, 0)
    observed = Observed(figures, floors, {**LIVE, **point_signs(samples, real, Ring), **signs}, iteration)
    found = findings("points", observed)
    return [each.symptom for each in found], found[0]


def circle(radius):
    return radius * np.column_stack((np.cos(ANGLES), np.sin(ANGLES)))


@pytest.mark.parametrize("radius", [0.93, 1.0, 1.2, 0.5])
def test_an_imprecise_ring_in_every_direction_is_no_collapse(radius):
    names, first = symptoms(circle(radius))
    assert first.symptom == "imprecise"
    assert "all 8 clusters" in first.sentence
    assert "collapse" not in first.sentence
    assert "partial_collapse" not in names
    assert first.evidence["served"] == 8


@pytest.mark.parametrize("kept", [1, 3, 7])
@pytest.mark.parametrize("sigma", [0.01, 0.1])
def test_clusters_without_samples_near_them_are_a_collapse(kept, sigma):
    names, first = symptoms(around(CENTERS[:kept], sigma))
    assert first.symptom == ("collapse" if kept == 1 else "partial_collapse")
    assert "mode collapse" in first.sentence
    assert "partial_collapse" in names


def test_one_stray_point_does_not_hide_a_collapse():
    samples = np.concatenate((around(CENTERS[:3]), CENTERS))
    assert symptoms(samples)[1].symptom == "partial_collapse"


def test_samples_around_the_middle_are_a_collapse_in_any_direction():
    assert symptoms(circle(0.02))[1].symptom == "collapse"


def test_the_early_verdict_is_limited_to_the_first_iterations():
    early, late = (symptoms(circle(0.5), iteration)[1] for iteration in (100, 10_363))
    assert early.symptom == "beginning"
    assert late.symptom == "imprecise"
    assert "begun" not in late.sentence


def test_a_constant_d_is_named_unless_the_game_is_solved():
    dead = {"logit_spread": 0.001, "grad_norm_g": 0.0, "undecided": 1.0}
    names, first = symptoms(circle(0.93), **dead)
    assert first.symptom == "dead_discriminator"
    assert dict(first.evidence) == dead
    assert "imprecise" in names
    assert symptoms(circle(0.93), 100, **dead)[1].symptom == "beginning"
    assert symptoms(around(CENTERS, seed=2), **dead)[1].symptom == "as_real"
    assert "dead_discriminator" not in symptoms(circle(0.93), logit_spread=0.001)[0], "G still gets a slope"


def test_a_d_that_is_always_right_and_flat_is_named():
    certain = {"accuracy_real": 1.0, "accuracy_fake": 1.0, "logit_spread": 8.0}
    assert symptoms(circle(0.93), grad_norm_g=1e-4, **certain)[1].symptom == "vanishing_gradients"
    assert symptoms(circle(0.93), grad_norm_g=3.0, **certain)[1].symptom == "imprecise"


def test_non_finite_samples_have_no_signs():
    assert point_signs(np.full((3, 2), np.nan), around(CENTERS), Ring) == {}
