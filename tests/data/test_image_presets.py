import builtins
import struct
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
import torch

from ganwidgets.data import IMAGE_PRESETS, load_data
from ganwidgets.data.images.presets import data_folder
from ganwidgets.errors import DataError

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """Set an empty folder for data, and disable the network."""

    def refuse(*_args, **_kwargs):
        raise urllib.error.URLError("no way out of this test")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setenv("GANWIDGETS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def write_idx(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}i", *values.shape)
    path.write_bytes(header + values.astype(np.uint8).tobytes())


def write_mnist(folder, images, labels):
    for part in ("train", "t10k"):
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)


def test_the_presets_are_those_of_the_contract():
    assert " ".join(IMAGE_PRESETS) == "digits digits_16 digits_32 stacked_digits mnist fashion_mnist cifar10"
    assert all(preset.label and preset.help.endswith(".") for preset in IMAGE_PRESETS.values())


def test_stacked_digits_are_three_digits_and_every_mode_is_equally_frequent():
    source, digits = load_data("stacked_digits"), load_data("digits")
    assert (source.name, source.preset, source.kind, source.shape, source.size) == (
        "stacked_digits",
        "stacked_digits",
        "images",
        (3, 8, 8),
        30_000,
    )
    assert torch.equal(torch.bincount(source.labels), torch.full((1000,), 30))
    of_class = [
        {image.numpy().tobytes() for image in digits.read(torch.nonzero(digits.labels == label).flatten())}
        for label in range(10)
    ]
    some = torch.arange(0, 30_000, 617)
    for image, label in zip(source.read(some), source.labels[some].tolist(), strict=True):
        for channel, digit in zip(image, f"{label:03}", strict=True):
            assert channel[None].numpy().tobytes() in of_class[int(digit)]
    assert source.fingerprint == load_data("stacked_digits").fingerprint


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    source, known = load_data("digits"), load_digits()
    assert (source.name, source.preset, source.kind, source.shape) == (
        "digits",
        "digits",
        "images",
        (1, 8, 8),
    )
    assert source.size == 1797
    images = source.read(torch.arange(1797))
    assert images.dtype == torch.float32
    assert (images.min(), images.max()) == (-1, 1)
    assert np.allclose((images[:, 0].numpy() + 1) * 8, known.images)
    assert source.labels.dtype == torch.int64
    assert np.array_equal(source.labels.numpy(), known.target)
    assert source.stored() is None
    assert source.fingerprint == load_data("digits").fingerprint


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_local_data_sets_need_no_network(name, folder, offline):
    images = RANDOM.integers(0, 256, (12, 28, 28))
    labels = RANDOM.integers(0, 10, 12)
    write_mnist(offline / folder / "raw", images, labels)
    source = load_data(name)
    assert (source.name, source.preset, source.shape, source.size) == (name, name, (1, 28, 28), 12)
    assert np.allclose(source.read(torch.arange(12))[:, 0].numpy(), images / 127.5 - 1, atol=1e-6)
    assert source.labels.tolist() == labels.tolist()
    assert source.stored() is None


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_offline_one_sentence_names_the_attempts_and_the_remedy(name, offline):
    with pytest.raises(DataError) as caught:
        load_data(name)
    message = str(caught.value)
    assert "\n" not in message
    assert all(
        word in message for word in (name, str(offline), "http", "no way out", "GANWIDGETS_DATA", "network")
    )
    assert caught.value.__cause__ is not None


def test_damaged_files_are_named_with_their_path(offline):
    write_mnist(offline / "MNIST" / "raw", RANDOM.integers(0, 256, (12, 28, 28)), np.zeros(12))
    damaged = offline / "MNIST" / "raw" / "train-images-idx3-ubyte"
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(DataError, match="delete damaged files") as caught:
        load_data("mnist")
    assert str(offline) in str(caught.value)


def test_cifar_is_colour_with_the_channels_first(offline, monkeypatch):
    from torchvision import datasets

    class Tiny(datasets.CIFAR10):
        def __init__(self, root, *, train, download):
            assert (root, train, download) == (offline, True, False)
            self.data = np.zeros((4, 32, 32, 3), np.uint8)
            self.data[..., 0] = 255
            self.targets = [3, 1, 2, 0]

    monkeypatch.setattr(datasets, "CIFAR10", Tiny)
    source = load_data("cifar10")
    assert source.shape == (3, 32, 32)
    assert source.read(torch.arange(4)).mean(dim=(0, 2, 3)).tolist() == [1, -1, -1]
    assert source.labels.tolist() == [3, 1, 2, 0]


def test_an_incompatible_torchvision_is_reported_in_one_sentence(monkeypatch):
    importing = builtins.__import__

    def broken(name, *args, **kwargs):
        if name.split(".")[0] == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist")
        return importing(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(DataError, match="torchvision::nms") as caught:
        load_data("mnist")
    assert torch.__version__ in str(caught.value)
    assert "pip install" in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert load_data("digits").size == 1797
    assert load_data("ring8").shape == (2,)


def test_the_default_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("GANWIDGETS_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert data_folder() == tmp_path / ".cache" / "ganwidgets"
    monkeypatch.setenv("GANWIDGETS_DATA", "~/elsewhere")
    assert data_folder() == tmp_path / "elsewhere"
