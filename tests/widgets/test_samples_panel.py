"""The sample grid: exact pixels, in the order of the latents."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_wire import image
from moments import images_frame

from ganwidgets.widgets.samples import SamplesPanel, image_grid


@pytest.fixture
def panel(english):
    return SamplesPanel(english, lambda: None)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_image_stands_in_its_place_pixel_by_pixel(channels):
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


def test_numbers_that_are_none_are_black_and_others_are_clipped():
    grid = image_grid(np.array([np.nan, np.inf, -np.inf, 2.0]).reshape(1, 1, 1, 4))
    assert grid[0, :, 0].tolist() == [0, 255, 0, 255]


def test_what_the_page_decodes_is_the_grid_exactly(panel, page):
    frame = images_frame(channels=3, side=16)
    panel.draw(frame)
    for canvas, images in ((panel._real, frame.real), (panel._generated, frame.generated)):
        put = [command for command in page.on(canvas) if command.name == "putImageData"]
        assert np.array_equal(image(put[0]), image_grid(images))
        assert (canvas.height, canvas.width) == image_grid(images).shape[:2]


def test_every_frame_begins_by_naming_its_canvas_so_that_a_new_page_understands(panel, page):
    panel.draw(images_frame())
    page.reload()
    panel.draw(images_frame())
    assert all(command.canvas is not None for command in page.messages[-1])


def test_nothing_is_cleared_that_would_show_before_the_new_image(panel, page):
    panel.draw(images_frame())
    assert "clear" not in {command.name for command in page.messages[-1]}


def test_it_carries_its_class_and_names(panel):
    assert "gw-samples" in panel.widget._dom_classes
    assert set(panel.names) == {"gw-pixels-generated", "gw-pixels-real"}
