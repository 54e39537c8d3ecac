"""Arguments of the wrong type: the error names the argument, the value and the remedy, and nothing changes."""

from pathlib import Path

import pytest

import ganwidgets as gw
from ganwidgets.metrics.registered import OWN_METRICS

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 8}


@pytest.fixture
def trainer():
    trainer = gw.GANTrainer("ring8", **SMALL)
    trainer.step(2)
    return trainer


@pytest.mark.parametrize("reason", [5, None, b"why", ["why"]])
def test_a_reason_must_be_a_string(trainer, reason, tmp_path):
    before = trainer.state_hash()
    with pytest.raises(TypeError, match=r"reason cannot be .*, which is no text"):
        trainer.change(reason=reason, lr_d=1e-3)
    with pytest.raises(TypeError, match="reason cannot be"), trainer.editing(reason):
        pytest.fail("the block of a refused edit was entered")
    assert (trainer.state_hash(), list(trainer.interventions)) == (before, [])
    trainer.step()
    trainer.save(tmp_path / "run.gan")
    assert gw.GANTrainer.load(tmp_path / "run.gan").iteration == 3


PATHS = {
    "save": lambda trainer, path: trainer.save(path),
    "export": lambda trainer, path: trainer.export(path),
    "load": lambda trainer, path: gw.GANTrainer.load(path),
    "open_run": lambda trainer, path: gw.open_run(path),
    "replay": lambda trainer, path: gw.replay(path),
    "run": lambda trainer, path: gw.GANTrainer("ring8", **SMALL, run=path),
    "Sweep.load": lambda trainer, path: gw.Sweep.load(path),
    "load_stylegan": lambda trainer, path: gw.load_stylegan(path),
    "image_folder": lambda trainer, path: gw.image_folder(path),
    "read_points": lambda trainer, path: gw.read_points(path),
    "log_to_tensorboard": gw.log_to_tensorboard,
}


@pytest.mark.parametrize("call", PATHS)
@pytest.mark.parametrize("path", [5, ["a"]])
def test_a_path_must_be_a_string_or_a_path(trainer, call, path):
    with pytest.raises(TypeError, match=r"cannot be .*, which is no path; pass a string or a pathlib.Path"):
        PATHS[call](trainer, path)


def test_every_path_may_begin_with_a_tilde(trainer, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    trainer.save("~/run.gan")
    kept = gw.GANTrainer("ring8", **SMALL, run="~/kept")
    kept.step()
    kept.close()
    assert gw.GANTrainer.load(Path("~/run.gan")).iteration == 2
    assert gw.open_run("~/kept").iteration == 1
    assert gw.replay("~/kept").equal
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("call", ["step", "sample", "real", "evaluate", "floors"])
def test_an_integer_that_overflows_a_tensor_is_refused(trainer, call):
    with pytest.raises(ValueError, match=r"n cannot be 1000000000000000000000: .* up to 9223372036854775807"):
        getattr(trainer, call)(10**21)


def test_a_metric_without_a_number_as_result_is_named(trainer):
    gw.register_metric("wordy", lambda samples, real: "good")
    try:
        with pytest.raises(TypeError, match=r"the metric 'wordy' returned 'good'; .* must return one number"):
            trainer.evaluate(50)
    finally:
        OWN_METRICS.pop(("wordy", None))


def test_a_state_with_unknown_entries_is_refused(trainer):
    for part in ([], {}):
        with pytest.raises(gw.CheckpointError):
            trainer.load_state_dict({**trainer.state_dict(), "data": part})
