"""Pairs from two folders are matched by file name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ganwidgets import DataError
from ganwidgets.data.two_sources import load_two


def folder(place, names, value):
    place.mkdir()
    for number, name in enumerate(names):
        Image.fromarray(np.full((8, 8), value + number, np.uint8)).save(place / name)
    return place


def test_pictures_of_one_name_are_pairs_whatever_their_extension(tmp_path):
    inputs = folder(tmp_path / "inputs", ["b.png", "a.png", "a-1.png"], 10)
    targets = folder(tmp_path / "targets", ["a.bmp", "b.bmp", "a-1.bmp"], 10)
    pairs = load_two((inputs, str(targets)), paired=True)
    first, second = (
        [round((float(image.mean()) + 1) * 127.5) for image in part.read(torch.arange(3))]
        for part in pairs.parts
    )
    # Both are sorted by name: a-1, a, b.
    assert first == [12, 11, 10]
    assert second == [12, 10, 11]


def test_a_picture_without_a_partner_is_named(tmp_path):
    inputs = folder(tmp_path / "inputs", ["a.png", "b.png", "c.png"], 90)
    targets = folder(tmp_path / "targets", ["a.png", "b.png", "d.png"], 90)
    with pytest.raises(DataError, match=r"1 pictures in .*inputs have no partner .*targets: c; pairs"):
        load_two((inputs, targets), paired=True)
    load_two((inputs, targets), paired=False)


def test_two_pictures_of_one_name_are_refused(tmp_path):
    inputs = folder(tmp_path / "inputs", ["a.png", "a.bmp"], 0)
    targets = folder(tmp_path / "targets", ["a.png", "a.bmp"], 0)
    with pytest.raises(DataError, match="two pictures of the name a"):
        load_two((inputs, targets), paired=True)
