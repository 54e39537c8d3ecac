"""Options for data: the keywords of `dataset`, and the stored decisions of a run."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.data import DATA_OPTIONS, DataOptions

RANDOM = np.random.default_rng(0)
SMALL = {"g_hidden": (4,), "d_hidden": (4,), "latent_dim": 2, "batch_size": 4}


def all_of(source) -> np.ndarray:
    return source.read(torch.arange(source.size)).numpy()


def test_the_public_function_takes_every_option():
    assert tuple(inspect.signature(gw.dataset).parameters)[1:] == DATA_OPTIONS


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("kind", "series"),
        ("kind", 3),
        ("value_range", 255),
        ("value_range", (1, 1)),
        ("value_range", (2, 1)),
        ("value_range", (0, np.inf)),
        ("value_range", (0, 1, 2)),
        ("value_range", "ab"),
        ("columns", ()),
        ("columns", (1, 2)),
        ("columns", ("a", "a")),
        ("columns", 3),
    ],
)
def test_an_invalid_option_is_named_with_the_valid_ones(option, value):
    for call in (gw.dataset, gw.GANTrainer):
        with pytest.raises(gw.DataError, match=f"^{option} cannot be"):
            call(np.zeros((4, 2)), **{option: value})


@pytest.mark.parametrize(
    ("data", "option", "words"),
    [
        ("ring8", {"kind": "points"}, "the preset ring8"),
        (gw.dataset("ring8"), {"kind": "points"}, "loaded already"),
        (np.zeros((4, 2)), {"value_range": (0, 1)}, "points"),
        (np.zeros((4, 2)), {"columns": "x"}, "an array"),
        ((np.zeros((4, 2)), np.zeros(4, int)), {"columns": "x"}, r"a pair \(X, y\)"),
        (TensorDataset(torch.zeros(4, 2)), {"columns": "x"}, "not mappings"),
    ],
)
def test_an_option_that_does_not_apply_is_refused(data, option, words):
    with pytest.raises(gw.DataError, match=f"^{next(iter(option))}= does not apply to .*{words}"):
        gw.dataset(data, **option)


def test_a_trainer_passes_the_options_on_and_shows_the_decisions():
    images = np.full((6, 1, 4, 4), 4095)
    trainer = gw.GANTrainer(images, value_range=(0, 4095), labels=[0, 1, 2, 0, 1, 2], **SMALL)
    assert trainer.source.options == DataOptions("images", (0, 4095))
    assert trainer.source.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert "grey images of 4x4, black 0, white 4095" in repr(trainer.source)
    assert np.array_equal(trainer.real(3).numpy(), np.ones((3, 1, 4, 4)))
    with pytest.raises(TraitError, match=r"did you mean kind\?"):
        gw.GANTrainer(images, kin="images")


def test_default_options_give_the_plain_result():
    for options in (
        DataOptions("images", (0, 255), ["a", "b"], "c", standardize=True),
        DataOptions("points", standardize=([0.5, 1e6], [1, 0])),
        DataOptions(standardize=False),
    ):
        assert DataOptions.restored(options.plain()) == options
    assert DataOptions.restored({"kind": "points", "of_a_later_version": 1}) == DataOptions(
        "points", standardize=False
    )


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("data", "options"),
    [
        (RANDOM.integers(0, 4096, (8, 4, 4)), {"value_range": (0, 4095)}),
        (RANDOM.random((8, 5, 5)), {"kind": "points"}),
        (RANDOM.random((8, 4, 4)), {"value_range": (0, 2)}),
        (RANDOM.random((8, 4, 4)) * 2 - 1, {}),
        (TensorDataset(torch.rand(8, 2, 8)), {"kind": "points"}),
        ([{"a": torch.rand(4, 4), "b": torch.rand(4, 4)} for _ in range(8)], {"columns": "b"}),
    ],
)
def test_a_stored_run_reads_its_data_with_the_same_options(data, options, large, tmp_path, monkeypatch):
    if large:
        monkeypatch.setattr("ganwidgets.runs.files.stored_data.LARGEST_STORED_DATA", 0)
    passed = data if large or isinstance(data, TensorDataset) else None
    trainer = gw.GANTrainer(data, run=tmp_path / "run", **options, **SMALL)
    trainer.step(2)
    trainer.save(tmp_path / "file.gan")
    trainer.close()
    for again in (
        gw.GANTrainer.load(tmp_path / "file.gan", data=passed),
        gw.open_run(tmp_path / "run", data=passed),
    ):
        assert again.state_hash() == trainer.state_hash()
        assert again.source.fingerprint == trainer.source.fingerprint
        assert again.source.taken_as == trainer.source.taken_as
        assert np.array_equal(all_of(again.source), all_of(trainer.source))
        again.close()


def test_a_widget_takes_the_options_and_shows_the_decisions():
    widget = gw.GANTrainerWidget(np.full((6, 4, 4), 9.0), value_range=(0, 9), locale="en", **SMALL)
    try:
        widget.step(1)
        widget.wait(timeout=60)
        assert widget.trainer.source.options.value_range == (0, 9)
        shown = [
            part.value
            for part in widget._dashboard.widgets()
            if "gw-line" in getattr(part, "_dom_classes", ())
        ]
        assert any("grey images of 4x4, black 0, white 9" in value for value in shown)
    finally:
        widget.close()


def test_a_script_contains_the_options():
    x = np.random.default_rng(0).random((64, 3, 4), dtype=np.float32)
    trainer = gw.GANTrainer(x, kind="points", seed=3, batch_size=16)
    trainer.step(2)
    scope = {}
    exec(trainer.timeline.script().replace("gw.dataset(...", "gw.dataset(DATA"), {"DATA": x}, scope)  # noqa: S102 - our own
    assert scope["trainer"].state_hash() == trainer.state_hash()
