"""The stored PNG of a frame, for every kind of frame."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from moments import envelope, images_frame, points_frame
from PIL import Image

from ganwidgets.messages import Catalog
from ganwidgets.rendering.pictures.poster import SIZE, render
from ganwidgets.widgets.browser.style.colors import DISCRIMINATOR, GENERATED, GENERATOR, REAL, rgb


def read(png: bytes) -> np.ndarray:
    image = Image.open(BytesIO(png))
    assert image.format == "PNG"
    assert image.size == SIZE
    return np.array(image.convert("RGB"))


def has(picture: np.ndarray, color: str) -> bool:
    return bool((picture == rgb(color)).all(axis=-1).any())


def test_points(english):
    picture = read(render(points_frame(), english))
    assert all(has(picture, color) for color in (REAL, GENERATED, DISCRIMINATOR, GENERATOR))
    assert (picture[0] == 255).all()


@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 32), (1, 128)])
def test_images(english, channels, side):
    picture = read(render(images_frame(channels, side), english))
    assert not has(picture, REAL)
    assert picture[60:300, 60:300].std() > 30


def test_another_moment_is_another_picture(english):
    assert render(points_frame(), english) != render(points_frame(iteration=5), english)


@pytest.mark.parametrize(
    "changes",
    [
        {"losses": {}, "record": {}},
        {
            "losses": {
                "loss_d": envelope(1, at_3=np.nan),
                "loss_g": tuple(np.full(50, np.nan) for _ in "abcd"),
            }
        },
        {"generated": np.full((30, 2), np.nan, np.float32)},
        {"verdict": np.full((64, 64), np.nan, np.float32)},
        {"record": {"loss_d": np.inf, "loss_g": np.nan}, "status": "diverged"},
        {
            "real": np.ones((5, 1), np.float32),
            "generated": np.ones((5, 1), np.float32),
            "verdict": None,
            "extent": None,
        },
        {
            "real": np.ones((5, 7), np.float32),
            "generated": np.ones((5, 7), np.float32),
            "verdict": None,
            "extent": None,
        },
    ],
)
def test_every_frame_can_be_drawn(english, changes):
    read(render(points_frame(**changes), english))


def test_french():
    assert render(points_frame(), Catalog("fr"))
