"""A run exported as event files for TensorBoard."""

from __future__ import annotations

import importlib.util
import struct

import numpy as np
import pytest

import ganwidgets as gw

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def events(folder):
    """Return the events of the files directly in `folder`. Each record: length, checksum, bytes, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.glob("events*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            event = Event()
            event.ParseFromString(content[at + 12 : at + 12 + length])
            found.append(event)
            at += length + 16
    return found


def scalars(folder, tag):
    return {
        event.step: value.simple_value
        for event in events(folder)
        for value in event.summary.value
        if value.tag == tag
    }


def tags(folder):
    return {value.tag for event in events(folder) for value in event.summary.value}


def test_past_and_later_steps_are_logged_once_and_the_run_does_not_change(tmp_path):
    trainer, unwatched = (gw.GANTrainer("ring8", **SMALL) for _ in range(2))
    for run in (trainer, unwatched):
        run.step(25)
    stop = gw.log_to_tensorboard(trainer, tmp_path / "log", every=5)
    for run in (trainer, unwatched):
        run.change("<b>why</b>", lr_d=1e-4)
        run.step(10)
    stop()
    trainer.step(5)
    unwatched.step(5)
    assert trainer.state_hash() == unwatched.state_hash()
    logged = scalars(tmp_path / "log", "loss_d")
    assert sorted(logged) == [5, 10, 15, 20, 25, 30, 35]
    assert np.allclose([logged[i] for i in (5, 35)], trainer.history["loss_d"][[4, 34]])
    accuracy = scalars(tmp_path / "log", "accuracy_real")
    assert accuracy
    assert all(np.isclose(value, trainer.history["accuracy_real"][i - 1]) for i, value in accuracy.items())
    assert {"run", "interventions/text_summary", "_hparams_/session_start_info"} <= tags(tmp_path / "log")
    texts = [
        value.tensor.string_val[0].decode()
        for event in events(tmp_path / "log")
        for value in event.summary.value
        if value.tag == "interventions/text_summary"
    ]
    assert len(texts) == 1
    assert "lr_d" in texts[0]
    assert "<b>" not in texts[0]


def test_a_new_branch_is_logged_to_its_own_folder(tmp_path):
    trainer = gw.GANTrainer("digits", latent_dim=4, **SMALL)
    trainer.step(20)
    with gw.log_to_tensorboard(trainer, tmp_path) as log:
        trainer.timeline.goto(10)
        trainer.step(10)
    assert log.stopped
    assert "generated" in tags(tmp_path)
    (branch,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert max(scalars(branch, "loss_d")) == 20


def test_invalid_arguments_are_refused(tmp_path, monkeypatch):
    trainer = gw.GANTrainer("ring8", **SMALL)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match="not a folder"):
        gw.log_to_tensorboard(trainer, tmp_path / "file")
    for bad in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="every cannot be"):
            gw.log_to_tensorboard(trainer, tmp_path / "log", every=bad)
    with pytest.raises(TypeError, match="takes a GANTrainer"):
        gw.log_to_tensorboard("ring8", tmp_path / "log")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "tensorboardX" else find(name, *rest)
    )
    with pytest.raises(ImportError, match=r"ganwidgets\[tensorboard\]"):
        gw.log_to_tensorboard(trainer, tmp_path / "log")
