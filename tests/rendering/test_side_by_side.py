"""Samples side by side have the colours of real and generated samples."""

from __future__ import annotations

import re

import numpy as np

from ganwidgets.rendering.drawing.colors import GENERATED, REAL
from ganwidgets.rendering.pictures.side_by_side import samples_side_by_side

POINTS = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)


def colors_of(page):
    return [set(re.findall(r'<circle[^>]* fill="([^"]+)"', figure)) for figure in page.split("<figure")[1:]]


def test_points_have_the_colour_of_generated_ones_by_default():
    page = samples_side_by_side({"batch": POINTS, "made": POINTS}, colors={"batch": REAL})
    assert colors_of(page) == [{REAL}, {GENERATED}]


def test_real_points_in_the_background_have_their_colour():
    assert colors_of(samples_side_by_side({"made": POINTS}, POINTS)) == [{REAL, GENERATED}]
