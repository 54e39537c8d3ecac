"""Points or images: decided by the shape of a sample, not by its values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import TensorDataset

from ganwidgets import DataError, dataset

RANDOM = np.random.default_rng(0)
RANGES = [(0, 1), (-1, 1), (-5, 40), (0, 255)]


def samples(shape, low=0.0, high=1.0, n=6) -> np.ndarray:
    return RANDOM.uniform(low, high, (n, *shape)).astype(np.float32)


def forms(array: np.ndarray):
    """The same samples as an array, a tensor, a Dataset and a list."""
    yield from (array, torch.tensor(array), TensorDataset(torch.tensor(array)), list(array))


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("shape", [(1, 50), (50, 1), (1, 2)])
def test_one_row_of_numbers_is_a_point(shape, low, high):
    array = samples(shape, low, high)
    for data in forms(array):
        source = dataset(data, standardize=False)
        assert (source.kind, source.shape) == ("points", (max(shape),))
        assert "numbers, unscaled" in repr(source)
        assert np.array_equal(source.read(torch.arange(6)).numpy(), array.reshape(6, -1))


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("shape", [(24, 6), (100, 3), (3, 100), (2, 8), (128, 32)])
def test_a_long_row_of_numbers_is_refused_with_a_question_whatever_its_range(shape, low, high):
    for data in forms(samples(shape, low, high)):
        with pytest.raises(DataError, match=r'kind="points".*kind="images"') as caught:
            dataset(data)
        assert str(shape) in str(caught.value)


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("shape", [(24, 6), (1, 50), (8, 8), (3, 8, 8), (2, 3, 4), (2, 2, 2, 2), (7,)])
def test_kind_points_flattens_the_samples(shape, low, high):
    array = samples(shape, low, high)
    for data in forms(array):
        source = dataset(data, kind="points", standardize=False)
        assert (source.kind, source.shape) == ("points", (int(np.prod(shape)),))
        assert np.array_equal(source.read(torch.arange(6)).numpy(), array.reshape(6, -1))


@pytest.mark.parametrize("shape", [(24, 6), (1, 50), (128, 32), (8, 8), (1, 8, 9), (3, 8, 9)])
def test_kind_images_makes_images(shape):
    for data in forms(samples(shape)):
        source = dataset(data, kind="images")
        assert (source.kind, source.shape) == ("images", shape if len(shape) == 3 else (1, *shape))


@given(
    h=st.integers(4, 40), ratio=st.floats(1, 2.9), flip=st.booleans(), channels=st.sampled_from([None, 1, 3])
)
def test_nearly_square_samples_are_images(h, ratio, flip, channels):
    shape = (h, int(h * ratio))[:: -1 if flip else 1]
    source = dataset(np.zeros((3, *([channels] if channels else []), *shape), np.float32))
    assert (source.kind, source.shape) == ("images", (channels or 1, *shape))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(32, 40, 3), (64, 64, 4), (16, 16, 3), (8, 8, 3), (8, 8, 4), (6, 6, 3)])
def test_one_picture_is_not_read_as_many(shape, dtype):
    picture = np.zeros(shape, dtype)
    for data in (picture, torch.tensor(picture)):
        with pytest.raises(
            DataError, match=r"one picture \[H, W, C\] alone is x\.transpose\(2, 0, 1\)\[None\]"
        ):
            dataset(data)
    assert dataset(np.zeros((32, 40, 3), np.uint8).transpose(2, 0, 1)[None]).shape == (3, 32, 40)


@pytest.mark.parametrize("shape", [(128, 32), (1, 50), (28, 28)])
def test_bytes_are_read_as_pixels(shape):
    assert dataset(np.zeros((5, *shape), np.uint8)).shape == (1, *shape)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((8, 8, 3), r"channels last.*x\.transpose\(0, 3, 1, 2\)"),
        ((8, 8, 1), r"channels last.*x\.permute\(0, 3, 1, 2\)"),
        ((8, 8, 4), r"\[\.\.\., :3\]\.transpose\(0, 3, 1, 2\)"),
        ((4, 8, 8), r"4 channels.*x\[:, :3\]"),
        ((5, 8, 8), '5 channels.*kind="points"'),
        ((2, 2, 2, 2), r"2, 2, 2\).*kind=\"points\""),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_of_another_layout_are_refused_with_the_remedy(shape, words, dtype):
    for data in forms(np.zeros((5, *shape), dtype)):
        with pytest.raises(DataError, match=words):
            dataset(data, kind="images")
