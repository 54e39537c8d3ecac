import random

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

import ganwidgets as gw
from ganwidgets.data import load_data
from ganwidgets.errors import DataError
from ganwidgets.messages import Message


class Items(Dataset):
    """A Dataset whose items are a function of the index; it records the indices that were read."""

    def __init__(self, make, n=100):
        self.make, self.n, self.reads = make, n, []

    def __len__(self):
        return self.n

    def __getitem__(self, number):
        assert type(number) is int
        self.reads.append(number)
        return self.make(number)


def read(source, *numbers) -> torch.Tensor:
    return source.read(torch.tensor(numbers))


def refusal(action, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        action(*arguments)
    assert isinstance(caught.value.args[0], Message)
    return str(caught.value)


def fraction(number):
    """Return an image in [0, 1] whose brightness depends on the index."""
    return torch.full((1, 4, 4), (number % 64) / 64)


# --- items of all kinds ---------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: (x, 3), lambda x: [x, 3], lambda x: (x, 3, "more")])
@pytest.mark.parametrize(
    ("make", "shape", "expected"),
    [
        (lambda k: torch.tensor([k, 2.0 * k]), (2,), [5, 10]),
        (lambda k: np.array([k, 2 * k]), (2,), [5, 10]),
        (lambda k: np.array([k, 2 * k], np.uint8), (2,), [5, 10]),
        (lambda k: np.full((4, 4), k, np.uint8), (1, 4, 4), [5 / 127.5 - 1] * 16),
        (lambda k: torch.full((3, 2, 2), k, dtype=torch.uint8), (3, 2, 2), [5 / 127.5 - 1] * 12),
        (lambda k: Image.new("L", (3, 2), k), (1, 2, 3), [5 / 127.5 - 1] * 6),
        (lambda k: Image.new("RGB", (1, 1), (k, 0, 255)), (3, 1, 1), [5 / 127.5 - 1, -1, 1]),
        (fraction, (1, 4, 4), [5 / 32 - 1] * 16),
        (lambda k: fraction(k) - 1, (1, 4, 4), [5 / 64 - 1] * 16),
        (lambda k: fraction(k)[0].double().numpy(), (1, 4, 4), [5 / 32 - 1] * 16),
    ],
)
def test_items_of_all_kinds_are_accepted(make, shape, expected, wrap):
    source = gw.dataset(Items(lambda number: wrap(make(number))), standardize=False)
    assert (source.kind, source.shape, source.size) == ("points" if len(shape) == 1 else "images", shape, 100)
    found = read(source, 5, 2, 5)
    assert found.shape == (3, *shape)
    assert found.dtype == torch.float32
    assert torch.allclose(found[0].flatten(), torch.tensor(expected, dtype=torch.float32))
    assert torch.equal(found[0], found[2])
    assert source.exact
    assert source.stored() is None
    assert source.preset is None


def test_a_dataset_source_describes_itself():
    assert load_data(Items(fraction)).name == "Items of 100 images"
    assert load_data(TensorDataset(torch.zeros(5, 2))).name == "TensorDataset of 5 points"


def test_a_dataset_gives_the_same_batches_as_an_array():
    images = torch.randint(0, 256, (20, 3, 4, 4), dtype=torch.uint8)
    dataset, array = load_data(TensorDataset(images, torch.arange(20))), load_data(images)
    assert torch.equal(dataset.order(3).take(7, 50), array.order(3).take(7, 50))


def test_only_needed_items_are_read():
    dataset = Items(fraction, n=10**6)
    source = load_data(dataset)
    assert len(set(dataset.reads)) <= 64
    dataset.reads.clear()
    source.order(0).take(0, 10)
    assert len(dataset.reads) == 10


def test_changing_a_batch_does_not_change_the_data():
    points = torch.zeros(5, 2)
    source = load_data(TensorDataset(points))
    read(source, 0).fill_(1)
    assert not points.any()


# --- invalid data ---------------------------------------------------------------------------------


class Endless(IterableDataset):
    def __iter__(self):
        return iter([])


class Unmeasured(Dataset):
    def __getitem__(self, number):
        return torch.zeros(2)


class Wordy(Dataset):
    def __len__(self):
        raise NotImplementedError("ask the server")


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (Endless(), ["Endless", "__getitem__"]),
        (Unmeasured(), ["Unmeasured", "__len__"]),
        (Wordy(), ["Wordy", "ask the server"]),
        (Subset(TensorDataset(torch.zeros(5, 2)), []), ["Subset", "no items"]),
        (Items(lambda _: "a word"), ["item 0", "str"]),
        (Items(lambda _: {"name": "a", "more": None}), ["item 0", "name, more", "columns="]),
        (Items(lambda _: ()), ["item 0", "tuple"]),
        (Items(lambda _: 0.5), ["item 0", "float"]),
        (Items(lambda _: torch.tensor(0.5)), ["item 0", "()"]),
        (Items(lambda _: torch.zeros(0)), ["item 0", "empty"]),
        (Items(lambda _: torch.zeros(2, dtype=torch.bool)), ["its items", "bool"]),
        (Items(lambda _: np.zeros((4, 4, 3), np.uint8)), ["item 0", "channels last"]),
        (Items(lambda _: torch.zeros(5, 4, 4)), ["item 0", "5 channels"]),
        (Items(lambda k: torch.full((4, 4), k)), ["64 of its items", "0 to 99", "uint8"]),
        (Items(lambda k: torch.full((4, 4), float(k))), ["64 of its items", "0 to 99"]),
        (Items(lambda k: torch.zeros(2 + (k == 9))), ["item 9", "(3,)", "(2,)"]),
        (Items(lambda k: torch.tensor([0.0, np.nan if k == 9 else 0])), ["item 9", "index 1"]),
        (Items(lambda k: Image.new("L" if k < 9 else "RGB", (4, 4))), ["item 9", "(3, 4, 4)", "(1, 4, 4)"]),
    ],
)
def test_invalid_datasets_are_refused(dataset, words):
    message = refusal(load_data, dataset)
    assert all(word in message for word in words), message


# --- items that are read later --------------------------------------------------------------------


def late(broken):
    """Return a source whose item 1234 is `broken`, or raises it."""

    def make(number):
        if number != 1234:
            return fraction(number)
        if isinstance(broken, Exception):
            raise broken
        return broken

    return load_data(Items(make, n=2000))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (OSError("truncated file"), ["OSError: truncated file"]),
        (torch.full((1, 4, 4), -0.5), ["-0.5", "[0, 1]"]),
        (torch.full((1, 4, 4), 1.5), ["1.5", "[0, 1]"]),
        (torch.full((1, 4, 4), np.nan), ["16 values", "index 0, 0, 0"]),
        (torch.zeros(1, 4, 4, dtype=torch.uint8), ["torch.uint8", "torch.float32"]),
        (torch.zeros(1, 4, 5), ["(1, 4, 5)", "(1, 4, 4)"]),
        ("a word", ["str"]),
    ],
)
def test_an_invalid_late_item_is_named_when_it_is_read(broken, words):
    source = late(broken)
    numbers = list(range(1200, 1234))
    assert len(read(source, *numbers)) == 34
    message = refusal(read, source, *numbers, 1234, 1235)
    assert "item 1234 of the dataset" in message
    assert all(word in message for word in words), message
    assert len(read(source, 1235)) == 1


def test_an_exception_of_a_dataset_is_the_cause():
    with pytest.raises(DataError) as caught:
        read(late(KeyError("label")), 1234)
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_order_continues_after_an_item_that_raised():
    broken = {7}

    def make(number):
        if number in broken:
            raise OSError("for a moment")
        return torch.tensor([float(number)])

    broken.clear()
    source = load_data(Items(make))
    order, expected = source.order(0), source.order(0).take(0, 100)
    broken.add(7)
    with pytest.raises(DataError, match="item 7"):
        order.take(0, 100)
    broken.clear()
    assert torch.equal(order.take(0, 100), expected)


def test_the_range_is_decided_once():
    signed = load_data(Items(lambda k: fraction(k) - 1 if k < 64 else fraction(k)))
    # From item 64 on none is negative; they are still taken as [-1, 1].
    assert torch.equal(read(signed, 70), fraction(70)[None])
    assert "[-1, 1]" in refusal(
        read, load_data(Items(lambda k: fraction(k) * (3 if k == 100 else -1), 9999)), 100
    )


def test_invalid_late_points_are_named():
    source = load_data(Items(lambda k: torch.tensor([np.inf if k == 80 else k])))
    assert "item 80" in refusal(read, source, 79, 80, 81)


# --- exact or close -------------------------------------------------------------------------------


def own_generator():
    generator = torch.Generator().manual_seed(0)
    return lambda _: torch.randn(2, generator=generator)


@pytest.mark.parametrize(
    "make",
    [
        lambda _: torch.randn(2),
        lambda _: np.random.standard_normal(2),  # noqa: NPY002 - as a user's Dataset may
        lambda _: torch.tensor([random.random()]),  # noqa: S311
        lambda k: (torch.tensor([float(k)]), torch.rand(1)),
        own_generator(),
    ],
)
def test_random_transforms_are_detected(make):
    source = load_data(Items(make))
    assert not source.exact
    # The fingerprint does not depend on them.
    assert load_data(Items(make)).fingerprint == source.fingerprint


def test_fingerprints_follow_type_length_and_content():
    class Others(Items):
        pass

    def shifted(number):
        return fraction(number + 1)

    datasets = [
        Items(fraction),
        Items(fraction, n=99),
        Others(fraction),
        Items(shifted),
        Items(lambda _: torch.zeros(2)),
    ]
    assert len({load_data(dataset).fingerprint for dataset in datasets}) == len(datasets)
    assert load_data(Items(fraction)).fingerprint == load_data(Items(fraction)).fingerprint


# --- labels ---------------------------------------------------------------------------------------


class Listing(Items):
    """A Dataset that lists targets, like those of torchvision."""

    def __init__(self, make, targets):
        super().__init__(make, len(targets))
        self.targets = targets


@pytest.mark.parametrize("wrap", [list, np.array, torch.tensor])
def test_listed_labels_are_used_if_the_items_agree(wrap):
    targets = [number % 7 for number in range(500)]
    dataset = Listing(lambda k: (fraction(k), torch.tensor(k % 7)), wrap(targets))
    source = load_data(dataset)
    dataset.reads.clear()
    assert source.all_labels().tolist() == targets
    assert len(dataset.reads) < 100


@pytest.mark.parametrize("n", [10, 500])
@pytest.mark.parametrize("transform", [lambda y: y + 1, lambda y: y % 2, lambda y: 6 - y])
def test_listed_labels_that_the_items_contradict_are_ignored(n, transform):
    targets = sorted(number % 7 for number in range(n))
    source = load_data(Listing(lambda k: (fraction(k), transform(targets[k])), targets))
    assert source.all_labels().tolist() == [transform(target) for target in targets]


def test_listed_labels_are_used_if_the_items_have_none():
    assert load_data(Listing(fraction, [3, 1, 2])).all_labels().tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (torch.eye(3)[1], r"one-hot: let the dataset return y\.argmax\(\)"),
        ("cat", r"classes\.index\(y\)"),
        (1.0, r"int\(y\)"),
        (True, r"int\(y\)"),
    ],
)
def test_a_label_that_is_no_integer_is_named_with_the_remedy(label, words):
    with pytest.raises(DataError, match=f"item 0 of the dataset.*{words}"):
        load_data(Items(lambda k: (fraction(k), label))).all_labels()


# --- objects with the methods of a Dataset --------------------------------------------------------


class Rows:
    """Items by index, and a column by its name like Hugging Face's datasets, without a known base class."""

    def __init__(self, make, n=40):
        self.make, self.n = make, n

    def __len__(self):
        return self.n

    def __getitem__(self, number):
        return self.make(number)


PICTURE = Image.new("L", (4, 4), 200)
GREY = {"image": PICTURE, "label": 3}
NUMBERS = {"x": 1.5, "y": 2, "z": -1.0}
TWO = {"front": fraction(1), "back": fraction(2), "kind": 4}


@pytest.mark.parametrize(
    "wrap", [Rows, lambda make: Items(make, 40), lambda make: [make(k) for k in range(40)]]
)
@pytest.mark.parametrize(
    ("item", "options", "first", "label"),
    [
        (GREY, {}, 200 / 127.5 - 1, 3),
        (GREY, {"columns": "image"}, 200 / 127.5 - 1, None),
        (GREY, {"columns": ["image", "label"]}, 200 / 127.5 - 1, 3),
        (GREY, {"labels": "label"}, 200 / 127.5 - 1, 3),
        (TWO, {"columns": "back"}, 2 / 32 - 1, None),
        (TWO, {"columns": "front", "labels": "kind"}, 1 / 32 - 1, 4),
        (TWO, {"columns": ("back", "kind")}, 2 / 32 - 1, 4),
        (NUMBERS, {"columns": ["x", "z"]}, 1.5, None),
        (NUMBERS, {"columns": "z", "labels": "y"}, -1, 2),
        ({"values": [0.5, 2.0], "target": 1}, {}, 0.5, 1),
        ((fraction(3), 5), {}, 3 / 32 - 1, 5),
        ([0.25, 0.5], {}, 0.25, None),
        (np.float32([1, 2]), {}, 1, None),
    ],
)
def test_items_are_accepted_by_their_methods(wrap, item, options, first, label):
    source = gw.dataset(wrap(lambda _: item), **options)
    assert source.size == 40
    assert read(source, 7).flatten()[0].item() == pytest.approx(first)
    labels = source.all_labels()
    assert (None if labels is None else labels.tolist()) == (None if label is None else [label] * 40)
    trainer = gw.GANTrainer(wrap(lambda _: item), g_hidden=(4,), d_hidden=(4,), batch_size=4, **options)
    trainer.step(1)


@pytest.mark.parametrize(
    ("item", "options", "words"),
    [
        (TWO, {}, ["front, back, kind", "columns='front'"]),
        (GREY, {"columns": "picture"}, ["no column 'picture'", "image, label"]),
        (GREY, {"labels": "class"}, ["no column 'class'", "image, label"]),
        ({"text": "a word"}, {}, ["text", "columns="]),
    ],
)
def test_ambiguous_keys_are_named(item, options, words):
    with pytest.raises(DataError) as caught:
        gw.dataset(Rows(lambda _: item), **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_columns_of_tables():
    frame = pd.DataFrame({"a": [1.0, 2, 3], "b": [4.0, 5, 6], "name": ["x", "y", "z"], "kind": [0, 1, 0]})
    records = np.array([(1.0, 4.0, 0), (2, 5, 1), (3, 6, 0)], [("a", "f4"), ("b", "f8"), ("kind", "i8")])
    for table in (frame, {name: frame[name].to_numpy() for name in frame}, records):
        source = gw.dataset(table, columns=["b", "a"], labels="kind")
        assert read(source, 0, 2).tolist() == [[4, 1], [6, 3]]
        assert source.labels.tolist() == [0, 1, 0]
        with pytest.raises(DataError, match="no column 'c'"):
            gw.dataset(table, columns="c")
    images = {"x": np.zeros((4, 1, 8, 8), np.uint8), "y": np.arange(4)}
    assert gw.dataset(images, columns="x", labels="y").shape == (1, 8, 8)
