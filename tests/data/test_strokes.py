"""Points from a drawing, uniformly distributed over the painted area."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganwidgets import DataError, GANTrainer
from ganwidgets.data.points.strokes import Stroke, points_of_drawing


def stroke(*path, radius=0.1, erases=False):
    return Stroke(np.array(path, float), radius, erases)


def test_points_are_uniform_within_the_brush():
    points = points_of_drawing([stroke((-0.5, 0), (0.5, 0))], n=20_000)
    assert points.shape == (20_000, 2)
    assert points.dtype == np.float32
    # The middle is a rectangle of 1 by 0.2, the two ends are half discs.
    inside = np.abs(points[:, 0]) <= 0.5
    assert inside.mean() == pytest.approx(0.2 / (0.2 + np.pi * 0.01), abs=0.01)
    assert np.histogram(points[inside, 0], 10)[0] / inside.sum() == pytest.approx(0.1, abs=0.012)
    assert np.histogram(points[inside, 1], 10, (-0.1, 0.1))[0] / inside.sum() == pytest.approx(0.1, abs=0.012)


def test_speed_and_repetition_have_no_effect():
    quick = stroke((-0.8, 0), (0, 0))
    slow = stroke(*[(0.001 * step, 0.5) for step in range(801)])
    twice = [quick, slow, slow, slow]
    points = points_of_drawing(twice, n=8000)
    assert (points[:, 1] > 0.25).mean() == pytest.approx(0.5, abs=0.03)


def test_a_dab_is_a_disc():
    points = points_of_drawing([stroke((0.3, -0.2), radius=0.2)], n=8000) - np.array([0.3, -0.2])
    radius = np.hypot(points[:, 0], points[:, 1])
    assert radius.max() <= 0.2001
    assert (radius < 0.1).mean() == pytest.approx(0.25, abs=0.02)


def test_an_erased_area_is_empty_until_it_is_painted_again():
    line, rubber = stroke((-1, 0), (1, 0)), stroke((0, -1), (0, 1), radius=0.3, erases=True)
    assert np.abs(points_of_drawing([line, rubber])[:, 0]).min() >= 0.3
    again = points_of_drawing([line, rubber, stroke((0, 0))])
    assert (np.abs(again[:, 0]) < 0.1).any()


@pytest.mark.parametrize(
    "strokes", [[], [stroke((0, 0), erases=True)], [stroke((0, 0)), stroke((0, 0), radius=0.2, erases=True)]]
)
def test_an_empty_drawing_is_refused(strokes):
    with pytest.raises(DataError, match="nothing is painted"):
        points_of_drawing(strokes)


coordinates = st.tuples(*[st.floats(-1, 1, width=32)] * 2)
drawings = st.lists(
    st.builds(
        lambda path, radius, erases: Stroke(np.array(path, float), radius, erases),
        st.lists(coordinates, min_size=1, max_size=4),
        st.floats(0.02, 0.3),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def covers(stroke, point):
    path = stroke.path if len(stroke.path) > 1 else np.repeat(stroke.path, 2, axis=0)
    for start, end in pairwise(path):
        way = end - start
        share = np.clip((point - start) @ way / (way @ way), 0, 1) if way @ way else 0
        if np.linalg.norm(point - start - share * way) <= stroke.radius + 1e-5:
            return True
    return False


@settings(max_examples=30, deadline=None)
@given(drawings)
def test_each_point_is_where_the_last_stroke_paints(strokes):
    try:
        points = points_of_drawing(strokes, n=60)
    except DataError:
        return
    assert np.array_equal(points, points_of_drawing(strokes, n=60))
    for point in points.astype(float):
        assert any(covers(each, point) and not each.erases for each in strokes)


def test_a_run_on_a_drawing_is_saved_with_it_and_continues_exactly(tmp_path):
    trainer = GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,))
    trainer.settings.data = points_of_drawing([stroke((-0.5, 0), (0.5, 0))])
    trainer.reset()
    trainer.step(5)
    trainer.save(tmp_path / "run")
    other = GANTrainer.load(tmp_path / "run")
    assert np.array_equal(other.real(50, seed=1), trainer.real(50, seed=1))
    trainer.step(5)
    other.step(5)
    assert other.state_hash() == trainer.state_hash()
