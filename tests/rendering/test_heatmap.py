"""The map of the verdict: every cell in its colour, transparent where D is undecided."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from ganwidgets.rendering.plane.heatmap import heat_image, heat_runs
from ganwidgets.widgets.browser.style.colors import GENERATED, REAL, rgb

VERDICTS = arrays_of.arrays(
    np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.floats(0, 1, width=32)
)


@given(VERDICTS)
def test_runs_of_equal_colour_reproduce_the_image(verdict):
    painted = np.zeros((*verdict.shape, 4), np.uint8)
    for color, x, y, width in heat_runs(verdict):
        for left, down, cells in zip(x, y, width, strict=True):
            assert not painted[down, left : left + cells].any()
            painted[down, left : left + cells] = (*rgb(color), int(color[7:], 16))
    image = heat_image(verdict)
    seen = image[..., 3] > 0
    assert np.array_equal(painted[seen], image[seen])
    assert not painted[~seen].any()


def test_real_is_blue_generated_is_vermillion_and_undecided_is_transparent():
    image = heat_image(np.array([[0.0, 0.5, 1.0, np.nan]]))
    assert tuple(image[0, 0, :3]) == rgb(GENERATED)
    assert tuple(image[0, 2, :3]) == rgb(REAL)
    assert image[0, :, 3].tolist() == [image[0, 2, 3], 0, image[0, 0, 3], 0]


def test_the_first_row_is_at_the_bottom():
    image = heat_image(np.array([[1.0], [0.5]]))
    assert image[:, 0, 3].tolist() == [0, image[1, 0, 3]]
    ((_, _, y, _),) = heat_runs(np.array([[1.0], [0.5]]))
    assert y.tolist() == [1]
