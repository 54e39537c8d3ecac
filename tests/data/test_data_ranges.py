"""The range of image values: decided by most of the pixels, reported, and not influenced by a few outliers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import TensorDataset

from ganwidgets import DataError, DataWarning, GANTrainer, dataset
from ganwidgets.messages import Message

RANDOM = np.random.default_rng(0)
N = 8 * 16 * 16


def images(low=0.0, high=1.0) -> np.ndarray:
    found = RANDOM.uniform(low, high, (8, 1, 16, 16))
    found[0, 0, 0, :2] = low, high
    return found


def forms(array: np.ndarray):
    """The same images as an array, a tensor, a Dataset and a list."""
    yield from (array, torch.as_tensor(array), TensorDataset(torch.as_tensor(array)), list(array))


def all_of(source) -> np.ndarray:
    return source.read(torch.arange(source.size)).numpy()


MEMBERS = {
    "bytes": (RANDOM.integers(0, 256, (8, 1, 16, 16), dtype=np.uint8), (0, 255)),
    "dim bytes": (RANDOM.integers(0, 40, (8, 1, 16, 16), dtype=np.uint8), (0, 255)),
    "bool": (RANDOM.integers(0, 2, (8, 1, 16, 16)).astype(bool), (0, 1)),
    "mask of bytes": (RANDOM.integers(0, 2, (8, 1, 16, 16), dtype=np.uint8), (0, 1)),
    "mask of int64": (RANDOM.integers(0, 2, (8, 1, 16, 16)), (0, 1)),
    "mask of int16": (RANDOM.integers(0, 2, (8, 1, 16, 16)).astype(np.int16), (0, 1)),
    "mask of floats": (RANDOM.integers(0, 2, (8, 1, 16, 16)).astype(float), (0, 1)),
    "float32": (images().astype(np.float32), (0, 1)),
    "float64": (images(), (0, 1)),
    "float16": (images().astype(np.float16), (0, 1)),
    "signed": (images(-1), (-1, 1)),
    "faint signed": (images(-0.2, 0.2), (-1, 1)),
    "signed float16": (images(-1).astype(np.float16), (-1, 1)),
    "mostly white": (np.where(RANDOM.random((8, 1, 16, 16)) < 0.05, -1.0, 1.0), (-1, 1)),
}


@pytest.mark.parametrize("member", MEMBERS)
def test_unambiguous_ranges_are_decided_without_a_warning(member):
    array, expected = MEMBERS[member]
    low, high = expected
    for data in forms(array):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            source = dataset(data)
        assert source.options.value_range == expected
        assert f"black {low}, white {high}" in repr(source)
        wanted = (array.astype(np.float64) - low) / (high - low) * 2 - 1
        assert np.abs(all_of(source) - wanted).max() < 1e-6


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("low", [0, -1])
def test_floats_of_torch(dtype, low):
    source = dataset(torch.tensor(images(low)).to(dtype))
    assert source.options.value_range == (low, 1)


@given(
    member=st.sampled_from([name for name in MEMBERS if "bool" not in name and name != "mask of floats"]),
    values=st.lists(
        st.sampled_from([-1e-8, -1e-3, -0.3, -1, 1 + 1e-6, 1.01, 2, 200, 255]) | st.floats(-300, 300),
        min_size=1,
        max_size=9,
    ),
    data=st.data(),
)
def test_a_few_values_do_not_change_the_decision(member, values, data):
    array, expected = MEMBERS[member]
    array = array.copy()
    places = data.draw(
        st.lists(st.integers(0, N - 1), min_size=len(values), max_size=len(values), unique=True)
    )
    info = np.iinfo(array.dtype) if array.dtype.kind in "iu" else np.finfo(array.dtype)
    array.flat[places] = np.clip(values, info.min, info.max).astype(array.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        source = dataset(array)
    assert source.options.value_range == expected
    found = all_of(source)
    assert found.min() >= -1
    assert found.max() <= 1


@pytest.mark.parametrize("off", [-1e-8, 1e-6, -1e-6])
@pytest.mark.parametrize("high", [0.0, 1.0])
def test_rounding_errors_change_no_decision_and_give_no_warning(off, high):
    array = images()
    array.flat[5] = high + off
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = GANTrainer(array, g_hidden=(4,), d_hidden=(4,)).source
    assert source.options.value_range == (0, 1)


def test_the_overshoot_of_resampling_is_clipped():
    array = images() * 1.16 - 0.08
    source = dataset(array)
    assert source.options.value_range == (0, 1)
    assert np.allclose(all_of(source), array.clip(0, 1) * 2 - 1, atol=1e-6)


def test_outliers_are_counted_and_reported():
    array = images()
    array.flat[[7, 8, 9]] = 40, -3, 41
    with pytest.warns(
        DataWarning, match=r"^3 of the 2048 numbers of the array .*\[0, 1\].*from -3 to 41"
    ) as caught:
        dataset(array)
    assert isinstance(caught[0].message.args[0], Message)
    assert caught[0].filename == __file__
    mask = RANDOM.integers(0, 2, (8, 16, 16), dtype=np.uint8)
    mask[0, 0, 0] = 255
    with pytest.warns(DataWarning, match="^1 of the 2048 numbers"):
        assert dataset(mask).options.value_range == (0, 1)


@pytest.mark.parametrize(
    ("array", "white"),
    [
        (images() / 255, 1 / 255),
        ((images() * 255).astype(np.uint8) // 16, 15),
        ((images() * 255).astype(np.uint8) // 60, 4),
        (np.where(images() < 0.9, 0, images() / 255), 1 / 255),
        (images(-1) / 255, 1 / 255),
    ],
)
def test_nearly_black_images_are_warned_of(array, white):
    for data in forms(array.astype(array.dtype if array.dtype == np.uint8 else np.float32)):
        with pytest.warns(DataWarning, match=r"without contrast.*value_range=\(") as caught:
            dataset(data)
        assert f"{white:.2g}"[:4] in str(caught[0].message)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.2])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_few_bright_pixels_on_black_give_no_warning(share, dtype):
    array = np.where(RANDOM.random((64, 32, 32)) < share, RANDOM.random((64, 32, 32)), 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset((array * 255).astype(dtype) if dtype == np.uint8 else array.astype(dtype))


@pytest.mark.parametrize(
    ("array", "suggested"),
    [
        ((images() * 255).astype(np.int64), "(0, 255)"),
        ((images() * 255).astype(np.int32), "(0, 255)"),
        (images() * 255, "(0, 255)"),
        ((images() * 4095).astype(np.uint16), "(0, 4095)"),
        ((images() * 65535).astype(np.uint16), "(0, 65535)"),
        (images() * 65535, "(0, 65535)"),
        (images() * 16, "(0, 255)"),
    ],
)
def test_ambiguous_ranges_are_refused_with_the_remedy(array, suggested):
    for data in forms(array.astype(np.int64) if array.dtype == np.uint16 else array):
        with pytest.raises(DataError) as caught:
            dataset(data)
        assert f"value_range={suggested}" in str(caught.value)
        assert 'kind="points"' in str(caught.value)
    low, high = (float(end) for end in suggested.strip("()").split(","))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        source = dataset(array, value_range=(low, high))
    assert np.allclose(all_of(source), (array.astype(float) - low) / (high - low) * 2 - 1, atol=1e-6)


@given(
    low=st.floats(-1e4, 1e4),
    width=st.floats(1e-3, 1e4),
    values=st.lists(st.floats(-2e4, 2e4), min_size=4, max_size=4),
)
def test_a_given_range_is_used(low, width, values):
    array = np.array(values, np.float32).reshape(1, 2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        source = dataset(array, value_range=(low, low + width))
    wanted = ((array.astype(float) - low) / width * 2 - 1).clip(-1, 1)
    assert np.allclose(all_of(source)[:, 0], wanted, atol=2e-5 * (1 + abs(low) / width))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_images_with_more_than_8_bits_in_a_dataset(bits):
    white = 2**bits - 1
    values = RANDOM.integers(0, white + 1, (6, 8, 8)).astype(np.uint16)
    values[:, 0, 0] = white
    for data in ([Image.fromarray(each) for each in values], [(Image.fromarray(each), 3) for each in values]):
        with pytest.warns(DataWarning, match=f"at most {white}, of 65535"):
            source = dataset(data)
        assert source.options.value_range == (0, white)
        assert np.abs(all_of(source)[:, 0] - (values / white * 2 - 1)).max() < 0.01
        assert all_of(dataset(data, value_range=(0, 65535))).max() < -0.4
