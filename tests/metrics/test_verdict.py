"""What the figures say, in one sentence."""

from __future__ import annotations

import math

import pytest

from ganwidgets.metrics import verdict

PERFECT = {"frechet": 0.1, "precision": 0.9, "density": 1.0, "coverage": 0.96, "modes": 10.0}
RING = {"modes": 8.0, "high_quality": 0.989, "reverse_kl": 0.001, "sliced_wasserstein": 0.02}


@pytest.mark.parametrize(
    ("changes", "said"),
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
def test_images(changes, said):
    assert said in verdict("images", {**PERFECT, **changes}, PERFECT)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "hardly be told"),
        ({"modes": 3.0}, "Only 3 of 8 clusters"),
        ({"high_quality": 0.5}, "lie between them"),
        ({"reverse_kl": 0.4}, "far too many"),
        ({"modes": 0.0, "reverse_kl": math.inf, "sliced_wasserstein": math.inf}, "broken numbers"),
    ],
)
def test_points_in_clusters(changes, said):
    assert said in verdict("points", {**RING, **changes}, RING)


@pytest.mark.parametrize(("distance", "said"), [(0.03, "hardly"), (0.1, "nearly"), (0.5, "do not lie")])
def test_other_points(distance, said):
    floors = {"sliced_wasserstein": 0.02}
    assert said in verdict("points", {"sliced_wasserstein": distance}, floors)


def test_nothing_is_said_before_there_is_something_to_say():
    assert verdict("images", {}, PERFECT) == verdict("images", PERFECT, {}) == ""
