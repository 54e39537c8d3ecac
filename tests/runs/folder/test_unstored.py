"""A run folder that cannot be written: the run reports it, retries, and raises before data would be lost."""

from __future__ import annotations

import errno
import os
import shutil
import warnings

import numpy as np
import pytest

import ganwidgets as gw
from ganwidgets.live import Runner
from ganwidgets.runs.folder import autosaver as keeping

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}
PATIENCE = 60


@pytest.fixture(autouse=True)
def stored_after_each_step(monkeypatch):
    monkeypatch.setattr(keeping, "SPACING", 0)
    monkeypatch.setattr(keeping, "SHARE", 0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def disk():
    """Return a function that fills the disk; its result has a method `undo()` that frees the space."""
    patch = pytest.MonkeyPatch()

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill():
        patch.setattr("ganwidgets.runs.store.snapshot_files.whole_file", refuse)
        return patch

    yield fill
    patch.undo()


def broken(path, how):
    match how:
        case "removed":
            shutil.rmtree(path)
        case "moved":
            path.rename(path.with_name("elsewhere"))
        case "emptied":
            shutil.rmtree(path)
            path.mkdir()
        case "replaced by a file":
            shutil.rmtree(path)
            path.write_text("")
        case "without its database":
            (path / "run.sqlite").unlink()


KINDS = ["removed", "moved", "emptied", "replaced by a file", "without its database"]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove open files")
@pytest.mark.filterwarnings("ignore:the run cannot be stored")
@pytest.mark.parametrize("how", KINDS)
def test_close_raises_for_a_removed_folder_and_the_run_can_be_saved_elsewhere(path, tmp_path, how):
    trainer = gw.GANTrainer("ring8", run=path, **SMALL)
    trainer.step(5)
    broken(path, how)
    trainer.step(5)
    with pytest.raises(gw.CheckpointError, match=r"after iteration 5 .* trainer\.save\(path\)"):
        trainer.close()
    with pytest.raises(gw.CheckpointError):
        trainer.close()
    trainer.save(tmp_path / "run.gan")
    trainer.close()
    assert gw.GANTrainer.load(tmp_path / "run.gan").state_hash() == trainer.state_hash()


def test_close_raises_again_if_the_run_continued_after_it_was_saved_elsewhere(path, tmp_path, disk):
    trainer = gw.GANTrainer("ring8", run=path, **SMALL)
    disk()
    with pytest.warns(RuntimeWarning, match="No space left"):
        trainer.step(3)
    trainer.save(tmp_path / "run.gan")
    trainer.step()
    with pytest.raises(gw.CheckpointError, match="No space left"):
        trainer.close()
    trainer.save(tmp_path / "run.gan")
    trainer.close()


def test_retries_become_less_frequent_and_nothing_is_lost(path, disk, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("ganwidgets.runs.folder.autosaver.time.monotonic", lambda: now)
    trainer, free = gw.GANTrainer("ring8", run=path, **SMALL), gw.GANTrainer("ring8", **SMALL)
    autosave = trainer._session.autosave
    full, pauses = disk(), []

    def go_on():
        nonlocal now
        for _ in range(8):
            trainer.step()
            pauses.append(autosave.retry_in())
            now += pauses[-1]

    with pytest.warns(RuntimeWarning, match="No space left") as caught:
        go_on()
    assert len(caught) == 1, "it is warned about once, and stays in the state"
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    full.undo()
    trainer.step()
    assert (autosave.fault, autosave.retry_in()) == (None, None)
    trainer.close()
    free.step(9)
    opened = gw.open_run(path)
    assert opened.state_hash() == free.state_hash()
    assert len(opened.history["loss_d"]) == 9
    opened.close()


@pytest.mark.filterwarnings("ignore:the run cannot be stored")
def test_a_collected_trainer_warns_of_unstored_steps(path, disk):
    trainer = gw.GANTrainer("ring8", run=path, **SMALL)
    disk()
    trainer.step(3)
    with pytest.warns(RuntimeWarning, match="only in memory"):
        trainer.__del__()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer.close()


@pytest.mark.filterwarnings("ignore:the run cannot be stored")
class TestLive:
    def test_the_error_is_in_the_state_raised_by_wait_and_cleared_once_there_is_room(
        self, path, disk, monkeypatch
    ):
        monkeypatch.setattr(keeping, "RETRIES", (0.01, 0.01))
        trainer = gw.GANTrainer("ring8", run=path, **SMALL)
        runner = Runner.of(trainer)
        full = disk()
        runner.play(until=10)
        with pytest.raises(gw.CheckpointError, match="No space left"):
            runner.wait(timeout=PATIENCE)
        assert runner.state.iteration == 10
        assert "No space left" in str(runner.state.unstored)
        full.undo()
        # No command is sent meanwhile: the run retries by itself, also while it is paused.
        with runner._worker.inbox.lock:
            assert runner._worker.inbox.news.wait_for(lambda: runner.state.unstored is None, PATIENCE)
        runner.wait(timeout=PATIENCE)
        runner.close()
        trainer.close()
        opened = gw.open_run(path)
        assert opened.iteration == 10
        opened.close()

    def test_a_widget_shows_the_error_and_closing_raises_but_closes(self, path, tmp_path, disk):
        widget = gw.GANTrainerWidget("ring8", run=path, **SMALL)
        panel = widget._dashboard._unstored
        assert "gw-hidden" in panel.widget._dom_classes
        disk()
        widget.step(3)
        with pytest.raises(gw.CheckpointError, match="No space left"):
            widget.wait(timeout=PATIENCE)
        assert "No space left" in widget.error
        assert widget.status == "paused"
        assert "No space left" in panel._box.value
        assert "gw-hidden" not in panel.widget._dom_classes
        with pytest.raises(gw.CheckpointError, match="only in memory"):
            widget.close()
        assert widget.comm is None
        widget.trainer.save(tmp_path / "run.gan")
        widget.trainer.close()

    def test_the_button_saves_the_run_elsewhere(self, path, tmp_path, disk):
        widget = gw.GANTrainerWidget("ring8", run=path, **SMALL)
        panel = widget._dashboard._unstored
        disk()
        widget.step(3)
        with pytest.raises(gw.CheckpointError):
            widget.wait(timeout=PATIENCE)
        panel._files.work(lambda: panel._saved(str(tmp_path)))
        assert str(tmp_path) in panel._files.message.value
        panel._files.work(lambda: panel._saved(str(tmp_path / "run.gan")))
        assert "run.gan" in panel._files.message.value
        widget.close()
        assert gw.GANTrainer.load(tmp_path / "run.gan").iteration == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows does not remove open files")
@pytest.mark.parametrize("what", ["the folder", "one file", "the data"])
def test_removed_snapshots_are_detected_and_nothing_is_lost(path, tmp_path, what):
    data = np.random.default_rng(0).normal(size=(50, 2)).astype("float32") if what == "the data" else "ring8"
    trainer, free = (gw.GANTrainer(data, **where, **SMALL) for where in ({"run": path}, {}))
    trainer.step(20)
    files = sorted((path / "snapshots").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    aside = tmp_path / "aside"
    gone = path / "snapshots" if what == "the folder" else files[0]
    gone.rename(aside)
    with pytest.warns(
        RuntimeWarning, match=r"run cannot be stored in .*run: \d+ files .* snapshots were removed.* put them"
    ):
        trainer.step(5)
    assert "snapshots were removed" in str(trainer._session.autosave.fault)
    with pytest.raises(gw.CheckpointError, match=r"snapshots were removed.*trainer\.save\(path\)"):
        trainer.close()
    if what == "the folder":
        shutil.rmtree(gone, ignore_errors=True)
    aside.rename(gone)
    trainer.step(5)
    trainer.close()
    assert trainer._session.autosave.fault is None, "they were put back"
    free.step(30)
    opened = gw.open_run(path)
    assert opened.state_hash() == free.state_hash()
    opened.close()


@pytest.mark.parametrize("left", [0, 100, 5000])
def test_a_truncated_database_is_detected_and_nothing_is_lost(path, tmp_path, left):
    trainer = gw.GANTrainer("ring8", run=path, **SMALL)
    trainer.step(3)
    os.truncate(path / "run.sqlite", left)
    with pytest.warns(RuntimeWarning, match=r"cannot be stored in .*: its file run.sqlite was cut short"):
        trainer.step(3)
    with pytest.raises(gw.CheckpointError, match=r"was cut short.*trainer\.save\(path\)"):
        trainer.close()
    trainer.save(tmp_path / "run.gan")
    trainer.close()
    assert gw.GANTrainer.load(tmp_path / "run.gan").state_hash() == trainer.state_hash()
