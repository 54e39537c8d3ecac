"""Image grids: exact pixels, in the order of the latents."""

from __future__ import annotations

import numpy as np
import pytest

from ganwidgets.rendering.pictures.image_grid import image_grid, packed


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_image_has_its_exact_pixels_at_its_position(channels):
    images = np.random.default_rng(0).random((5, channels, 4, 6))
    grid = image_grid(images)
    assert grid.shape == (2 * 5 - 1, 3 * 7 - 1, 4)
    for place, one in enumerate(images):
        top, left = place // 3 * 5, place % 3 * 7
        tile = grid[top : top + 4, left : left + 6]
        expected = one[:3] if channels >= 3 else one[[0, 0, 0]]
        assert np.array_equal(tile[..., :3], np.rint(expected * 255).transpose(1, 2, 0))
        assert (tile[..., 3] == 255).all()
    assert not grid[4].any()


def test_non_finite_pixels_are_black_and_others_are_clipped():
    grid = image_grid(np.array([np.nan, np.inf, -np.inf, 2.0]).reshape(1, 1, 1, 4))
    assert grid[0, :, 0].tolist() == [0, 255, 0, 255]


@pytest.mark.parametrize(("channels", "shape"), [(1, (5, 4, 6)), (3, (5, 4, 6, 3))])
def test_sent_images_are_as_small_as_possible(channels, shape):
    images = np.random.default_rng(0).random((5, channels, 4, 6))
    sent = packed(images)
    assert (sent.shape, sent.dtype) == (shape, np.uint8)
    assert np.array_equal(sent.reshape(5, 4, 6, channels), np.rint(images * 255).transpose(0, 2, 3, 1))
