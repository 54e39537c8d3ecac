import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ganwidgets.data import IMAGE_PRESETS, POINT_PRESETS, load_data
from ganwidgets.errors import DataError
from ganwidgets.messages import Message


def refusal(data) -> str:
    with pytest.raises(DataError) as caught:
        load_data(data)
    assert isinstance(caught.value.args[0], Message)
    return str(caught.value)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("rings", "ring"),
        ("ring88", "ring8"),
        ("Gaussians", "gaussians"),
        ("mnits", "mnist"),
        ("fashion-mnist", "fashion_mnist"),
    ],
)
def test_a_misspelt_preset_suggests_the_nearest(asked, meant):
    message = refusal(asked)
    assert repr(asked) in message
    assert f"did you mean {meant}?" in message


def test_a_name_unlike_any_preset_lists_them():
    message = refusal("/no/such/folder")
    assert "did you mean" not in message
    assert all(name in message for name in [*POINT_PRESETS, *IMAGE_PRESETS])
    assert "''" in refusal("")


@pytest.mark.parametrize("name", ["x" * 5000, "~nobody-of-this-name/photos", "null\0byte"])
def test_a_name_that_cannot_be_a_path_is_an_unknown_name(name):
    assert "neither a preset nor an existing folder" in refusal(name)


def test_a_preset_has_priority_over_a_folder_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ring8").mkdir()
    assert load_data("ring8").preset == "ring8"
    assert "no images" in refusal("./ring8")


def test_a_source_is_returned_unchanged():
    source = load_data("ring8")
    assert load_data(source) is source


@pytest.mark.parametrize("data", [{"x": [1, 2]}, [], len, 3, None, b"ring8"])
def test_objects_that_are_no_data_are_refused(data):
    message = refusal(data)
    assert type(data).__name__ in message
    assert "pass a preset's name" in message


def test_a_loader_is_refused_in_favour_of_its_dataset():
    assert "loader.dataset" in refusal(DataLoader(TensorDataset(torch.zeros(4, 2))))


def test_reprs_of_sources():
    assert repr(load_data("ring8")) == "<PointSource: ring8>"
    assert (
        repr(load_data(np.zeros((5, 2))))
        == "<ArraySource: array of 5 points (points of 2 numbers, unscaled)>"
    )
