import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ganwidgets.data import dataset, load_data, restored_array
from ganwidgets.errors import DataError
from ganwidgets.messages import Message

RANDOM = np.random.default_rng(0)


def all_of(source) -> torch.Tensor:
    return source.read(torch.arange(source.size))


def refusal(data) -> str:
    with pytest.raises(DataError) as caught:
        load_data(data)
    message = caught.value.args[0]
    assert isinstance(message, Message)
    return str(message)


# --- points ---------------------------------------------------------------------------------------


@given(
    points=arrays(
        st.sampled_from([np.float32, np.float16, np.int16, np.uint8, np.int64, np.dtype(">f4")]),
        array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.integers(0, 100),
    )
)
def test_points_that_are_not_standardized_pass_unscaled(points):
    for data in (points, pd.DataFrame(points.astype(points.dtype.newbyteorder("=")))):
        source = dataset(data, standardize=False)
        assert (source.kind, source.shape, source.size) == ("points", points.shape[1:], len(points))
        assert all_of(source).dtype == torch.float32
        assert np.array_equal(all_of(source).numpy(), points.astype(np.float32))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int32, torch.uint8])
def test_tensors_of_any_real_type_are_points(dtype):
    points = torch.arange(12).reshape(6, 2).to(dtype)
    assert torch.equal(all_of(load_data(points)), points.float())


def test_an_array_source_describes_itself():
    source = load_data(RANDOM.normal(size=(500, 3)))
    assert source.name == "array of 500 points"
    assert source.preset is None
    assert source.modes is None
    assert source.labels is None
    assert source.exact
    assert load_data(RANDOM.random((7, 4, 5))).name == "array of 7 images"


def test_later_changes_of_the_users_array_have_no_effect():
    for data in (RANDOM.normal(size=(5, 2)).astype(np.float32), torch.randn(5, 2), torch.rand(5, 1, 4, 4)):
        source = load_data(data)
        before = all_of(source)
        data[:] = 7
        assert torch.equal(all_of(source), before)


def test_views_and_tensors_with_gradients_are_accepted():
    points = RANDOM.normal(size=(6, 4)).astype(np.float32)
    assert np.array_equal(all_of(load_data(points[::-2, ::2])).numpy(), points[::-2, ::2])
    weights = torch.nn.Parameter(torch.tensor(points))
    assert not all_of(load_data(weights.T)).requires_grad


# --- images ---------------------------------------------------------------------------------------


def test_bytes_are_scaled_to_minus_one_to_one():
    images = np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8)
    expected = images.astype(np.float32) / np.float32(127.5) - 1
    for data in (images, images[:, 0], torch.tensor(images)):
        source = load_data(data)
        assert (source.kind, source.shape, source.size) == ("images", (1, 8, 8), 4)
        assert np.array_equal(all_of(source).numpy(), expected)


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 1, 4, 5), (3, 3, 4, 5)])
def test_fractions_are_read_as_0_to_1_unless_one_is_negative(shape):
    images = RANDOM.random(shape, dtype=np.float32)
    images.flat[:2] = 0, 1
    positive = all_of(load_data(images)).reshape(shape).numpy()
    assert np.allclose(positive, images * 2 - 1)
    assert (positive.min(), positive.max()) == (-1, 1)
    images.flat[0] = -0.25
    assert np.array_equal(all_of(load_data(images)).reshape(shape).numpy(), images)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.linspace(0, 255, 32).reshape(2, 4, 4), ["0 to 255", "uint8"]),
        (np.linspace(-2, 1, 32).reshape(2, 4, 4), ["-2 to 1"]),
        (np.linspace(-1, 1.5, 32).reshape(2, 4, 4), ["-1 to 1.5"]),
        (np.arange(32).reshape(2, 4, 4), ["0 to 31", "uint8"]),
        (np.zeros((5, 4, 4, 3), np.uint8), ["(4, 4, 3)", "channels last", "0, 3, 1, 2"]),
        (np.zeros((5, 4, 4, 4), np.uint8), ["4 channels", "1 (grey) or 3 (RGB)"]),
        (np.zeros((5, 2, 4, 4), np.uint8), ["2 channels"]),
    ],
)
def test_arrays_that_are_no_images_are_refused(images, words):
    for data in (images, torch.tensor(images)):
        message = refusal(data)
        assert all(word in message for word in words), message


# --- invalid data ---------------------------------------------------------------------------------


def ragged(layout):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nested tensors are a prototype feature of torch
        return torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)], layout=layout)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((0, 2)), ["(0, 2)", "empty"]),
        (np.zeros((3, 0)), ["(3, 0)", "empty"]),
        (np.zeros((3, 4, 0)), ["(3, 4, 0)", "empty"]),
        (np.zeros(0), ["empty"]),
        (np.zeros(9), ["reshape(-1, 1)", "9 points"]),
        (np.zeros((2, 3, 4, 5, 6)), ["(2, 3, 4, 5, 6)", "[N, F]"]),
        (np.array(3.0), ["()", "[N, F]"]),
        (np.array([["a", "b"]], dtype=object), ["object", "float32"]),
        (np.array([["a", "b"]]), ["<U1"]),
        (np.zeros((2, 2), complex), ["complex128"]),
        (np.zeros((2, 2), bool), ["bool"]),
        (torch.zeros(2, 2, dtype=torch.complex64), ["complex64"]),
        (torch.zeros(2, 2).to_sparse(), ["sparse", "to_dense"]),
        (torch.zeros(2, 2, device="meta"), ["no numbers"]),
        (ragged(torch.strided), ["nested", "to_padded_tensor"]),
        (ragged(torch.jagged), ["nested", "to_padded_tensor"]),
        (np.ma.masked_equal(np.eye(2), 0), ["masked"]),
        (pd.DataFrame({"x": [1.0, 2.0], "name": ["a", "b"]}), ["'name'", "'a'"]),
        (pd.Series([1.0, 2.0]), ["reshape(-1, 1)"]),
        (pd.Series([1.0, 2.0]), ["of length 2"]),
    ],
)
def test_invalid_arrays_are_refused(data, words):
    message = refusal(data)
    assert all(word in message for word in words), message


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("shape", [(5, 2), (5, 3, 3)])
def test_non_finite_numbers_are_counted_and_the_first_is_named(broken, shape):
    data = np.zeros(shape)
    data[3, 1] = data[4, 0] = broken
    message = refusal(data)
    count = int((data != 0).sum())
    first = ", ".join(map(str, np.argwhere(data != 0)[0]))
    assert f"{count} values" in message
    assert f"first at index {first};" in message


def test_an_object_whose_conversion_raises_is_refused():
    class Refusing:
        def __array__(self, *args, **kwargs):
            raise TypeError("move it to the host first")

    assert "move it to the host first" in refusal(Refusing())


# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "y",
    [
        [3, 1, 2, 7, -1],
        np.array([3, 1, 2, 7, -1], np.int16),
        torch.tensor([3, 1, 2, 7, -1]),
        pd.Series([3, 1, 2, 7, -1]),
    ],
)
def test_labels_are_kept_unchanged(y):
    source = load_data((np.zeros((5, 2)), y))
    assert source.labels.dtype == torch.int64
    assert source.labels.tolist() == [3, 1, 2, 7, -1]
    assert source.name == "array of 5 points"


def test_bools_and_a_column_are_labels():
    assert load_data((np.zeros((3, 2)), np.array([True, False, True]))).labels.tolist() == [1, 0, 1]
    assert load_data((np.zeros((3, 2)), torch.tensor([[4], [5], [6]]))).labels.tolist() == [4, 5, 6]


def test_byte_labels_are_labels():
    assert load_data((np.zeros((2, 8, 8)), np.array([200, 1], np.uint8))).labels.tolist() == [200, 1]


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((np.zeros((5, 2)), np.zeros(4, int)), ["(4,)", "5 samples"]),
        ((np.zeros((5, 2)), np.zeros((5, 2), int)), ["(5, 2)", "(5,)"]),
        ((np.zeros((5, 2)), np.eye(5)), ["one-hot", "argmax(1)"]),
        ((np.zeros((5, 2)), [0, 1, np.nan, 0, 1]), ["sample 2", "nan"]),
        ((np.zeros((5, 2)), np.zeros(5)), ["labels y", "float", "y.astype(int)"]),
        ((np.zeros((5, 2)), torch.full((5,), 0.5)), ["labels y", "float", "np.unique"]),
        ((np.zeros((5, 2)), None), ["y", "object"]),
        ((np.zeros((5, 2)), list("abcde")), ["y", "<U1", "return_inverse=True"]),
        ((np.zeros((5, 2)),), ["tuple of 1", "(X, y)"]),
        ((np.zeros((5, 2)), np.zeros(5, int), 0), ["tuple of 3", "(X, y)"]),
        ((np.zeros(5), np.zeros(5, int)), ["reshape(-1, 1)"]),
    ],
)
def test_invalid_labels_are_refused(pair, words):
    message = refusal(pair)
    assert all(word in message for word in words), message


# --- saving and fingerprints ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        RANDOM.normal(size=(5000, 2)),
        RANDOM.integers(0, 256, (5000, 3, 4, 4), dtype=np.uint8),
        RANDOM.random((9, 4, 4)),
        (RANDOM.normal(size=(5, 2)), [0, 1, 0, 1, 2]),
        (RANDOM.integers(0, 256, (9, 4, 4), dtype=np.uint8), list(range(9))),
    ],
)
def test_stored_content_makes_the_same_source(data):
    source = load_data(data)
    again = restored_array(source.stored(), source.labels, source.kind, source.options)
    assert source.stored().dtype == torch.float32
    assert torch.equal(source.stored(), all_of(source))
    assert again.fingerprint == source.fingerprint == load_data(data).fingerprint
    assert repr(again) == repr(source)
    assert (again.kind, again.shape, again.size) == (source.kind, source.shape, source.size)
    assert (again.labels is None) == (source.labels is None)
    assert torch.equal(again.order(0).take(0, 30), source.order(0).take(0, 30))


def test_other_data_have_other_fingerprints():
    points = np.zeros((6, 2), np.float32)
    other = points.copy()
    other[5, 1] = -0.0
    images = np.zeros((6, 2, 2), np.float32)
    labels = [0, 1, 2, 3, 4, 5]
    sources = [points, other, points.reshape(4, 3), images, (points, labels), (points, labels[::-1])]
    assert len({load_data(data).fingerprint for data in sources}) == len(sources)


@pytest.mark.parametrize("form", [np.asarray, torch.from_numpy])
def test_integers_beyond_int64_keep_their_sign(form):
    numbers = np.array([[2**63 + 2**40, 1], [2**64 - 2**40, 0]], np.uint64)
    found = load_data(form(numbers)).read_in_own_units(torch.arange(2))
    assert torch.allclose(found, torch.from_numpy(numbers.astype(np.float32)))
