"""The sample grid: exact pixels, in the order of the latents."""

from __future__ import annotations

import dataclasses
from io import BytesIO

import numpy as np
import pytest
from moments import images_frame
from PIL import Image

from ganwidgets.pictures.tiles import image_grid
from ganwidgets.widgets.samples import SamplesPanel


@pytest.fixture
def panel(english):
    return SamplesPanel(english)


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


def test_what_the_page_decodes_is_the_grid_exactly(panel):
    frame = images_frame(channels=3, side=16)
    panel.draw(frame)
    for image, images in ((panel._real, frame.real), (panel._generated, frame.generated)):
        assert np.array_equal(np.array(Image.open(BytesIO(image.value))), image_grid(images))


def test_real_images_are_sent_again_only_when_they_changed(panel):
    sent = []
    panel._real.observe(lambda change: sent.append(change.new), "value")
    frame = images_frame()
    panel.draw(frame)
    panel.draw(dataclasses.replace(frame, iteration=frame.iteration + 1))
    assert len(sent) == 1
    panel.draw(images_frame(channels=3, side=16))
    assert len(sent) == 2


def test_it_carries_its_class_and_names(panel):
    assert "gw-samples" in panel.widget._dom_classes
    assert set(panel.names) == {"gw-pixels-generated", "gw-pixels-real"}
