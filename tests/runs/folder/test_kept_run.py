"""A run kept in a folder continues from its last stored state, however the process ended."""

from __future__ import annotations

import errno
import gc
import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from keeping_children import SMALL, advance

import ganwidgets as gw
from ganwidgets.live import Runner
from ganwidgets.runs.folder import autosaver as keeping
from ganwidgets.runs.store import RunFolder

HERE = Path(__file__).parents[1]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "ring-17"


def start(path, **settings):
    return gw.GANTrainer("ring8", **{**SMALL, **settings}, run=path)


def reopened(trainer, path):
    trainer.close()
    return gw.open_run(path)


def python(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


# --- when it is stored ------------------------------------------------------------------------------


def stored(path):
    """Return the place of the run stored in a folder, read from outside."""
    with RunFolder.open(path, writable=False) as folder:
        found = folder.load()
        return tuple(found.current["place"]), len(found.branches), found.current["interventions"]


def test_a_run_is_stored_at_its_start_and_after_each_event(path, monkeypatch):
    monkeypatch.setattr(keeping, "SHARE", 1e9)
    monkeypatch.setattr(keeping, "SHARE_AT_ONCE", 0)
    trainer = start(path)
    assert stored(path) == ((0, 0, 0), 1, 0)
    trainer.step(10)
    assert stored(path) == ((0, 0, 0), 1, 0), "not before its time"
    trainer.settings.lr_d = 0.01
    trainer.step()
    assert stored(path) == ((0, 11, 1), 1, 1)
    trainer.timeline.goto(4)
    assert stored(path) == ((0, 4, 0), 1, 1)
    trainer.step()
    assert stored(path) == ((1, 5, 0), 2, 1)
    trainer.timeline.switch("main")
    assert stored(path) == ((0, 11, 1), 2, 1)
    trainer.timeline.fork("other")
    assert stored(path) == ((2, 11, 1), 3, 1)
    trainer.timeline.undo()
    assert stored(path) == ((2, 10, 0), 3, 1)
    trainer.reset()
    assert stored(path) == ((3, 0, 2), 4, 2)
    trainer.load_state_dict(trainer.state_dict())
    assert stored(path) == ((4, 0, 3), 5, 3)
    trainer.step(3)
    assert stored(path)[0] == (4, 0, 3)
    trainer.close()
    assert stored(path)[0] == (4, 3, 3)
    trainer.step()
    assert stored(path)[0] == (4, 3, 3), "it was closed"


def test_a_training_run_is_stored_at_intervals_and_events_at_once(path, monkeypatch):
    monkeypatch.setattr(keeping, "SPACING", 0.0)
    trainer = start(path)
    autosave = trainer._session.autosave
    autosave._due = 0.0
    trainer.step(1)
    assert stored(path)[0] == (0, 1, 0)
    assert autosave._due > autosave._soon > autosave._ended
    autosave._due = autosave._soon = autosave._rest = np.inf
    trainer.settings.lr_d = 0.01
    trainer.step(2)
    assert stored(path)[0] == (0, 1, 0), "too soon, even for an intervention"
    autosave._soon = 0.0
    trainer.step_d()
    assert stored(path)[0] == (0, 3, 2)
    autosave._due = autosave._soon = autosave._rest = np.inf
    trainer.step()
    autosave._rest = 0.0
    trainer.step(0)
    assert stored(path)[0] == (0, 4, 2), "the end of a call"


def test_a_short_call_is_stored_at_its_end(path, monkeypatch):
    monkeypatch.setattr(keeping, "SPACING", 1e9)
    monkeypatch.setattr(keeping, "SHARE", 0)
    trainer = start(path)
    trainer.step(40)
    assert stored(path)[0] == (0, 40, 0), "a process that is killed now loses nothing"


def test_a_live_run_is_stored_at_a_pause_and_at_its_end(path, monkeypatch):
    monkeypatch.setattr(keeping, "SHARE", 1e9)
    trainer = start(path)
    runner = Runner.of(trainer)
    runner.play(until=20)
    runner.wait(20)
    runner.call(lambda: None)
    assert stored(path)[0] == (0, 20, 0)
    runner.step(5)
    runner.wait()
    assert stored(path)[0] == (0, 20, 0)
    runner.close()
    assert stored(path)[0] == (0, 25, 0)


def test_a_widget_keeps_its_run_until_it_is_closed(path):
    widget = gw.GANTrainerWidget("ring8", **SMALL, run=path)
    widget.step(3)
    widget.wait()
    with pytest.warns(RuntimeWarning, match="in use by"):
        gw.open_run(path)
    widget.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gw.open_run(path).iteration == 3


def test_the_folder_is_released_with_the_trainer(path):
    trainer = start(path)
    trainer.step(3)
    timeline = trainer.timeline
    del trainer
    gc.collect()
    with pytest.warns(RuntimeWarning, match=f"process {os.getpid()} of"):
        gw.open_run(path)
    del timeline
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gw.open_run(path).iteration == 3


def test_the_run_is_stored_when_the_interpreter_exits(path):
    code = f"import sys, ganwidgets as gw; t = gw.GANTrainer('ring8', **{SMALL}, run=sys.argv[1]); t.step(7)"
    assert python(code, path).wait() == 0
    assert gw.open_run(path).iteration == 7


def test_the_interpreter_exits_while_a_live_run_trains(path):
    code = f"""
import sys, ganwidgets as gw
from ganwidgets.live import Runner
trainer = gw.GANTrainer('ring8', **{SMALL}, run=sys.argv[1])
runner = Runner.of(trainer)
runner.play()
runner.look(lambda: None)
runner.wait(50) if trainer.iteration < 50 else None
print(trainer.iteration)
"""
    child = python(code, path)
    output, _ = child.communicate()
    trainer = gw.open_run(path)
    assert trainer.iteration >= int(output)
    twin = gw.GANTrainer("ring8", **SMALL)
    twin.step(trainer.iteration)
    assert trainer.state_hash() == twin.state_hash()


# --- killed -----------------------------------------------------------------------------------------


class Reference:
    """The same run, uninterrupted and in memory."""

    def __init__(self):
        self.trainer = gw.GANTrainer("ring8", **SMALL)
        self.hashes = {}
        self.note()

    def note(self):
        self.hashes[self.trainer.timeline.place] = self.trainer.state_hash()

    def at(self, place):
        """Return the hash at a place; take the missing steps first."""
        for _ in range(3000):
            if place in self.hashes:
                return self.hashes[place]
            advance(self.trainer)
            self.note()
        raise AssertionError(place)


def test_a_run_killed_at_fifty_random_moments_continues(memory_factory):
    path = memory_factory() / "run"
    zygote = subprocess.Popen(
        [sys.executable, "-u", HERE / "keeping_children.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert zygote.stdout.readline() == "ready\n"
    chosen = random.Random(0)  # noqa: S311 - when it is killed
    reference = Reference()
    for _ in range(50):
        zygote.stdin.write(f"{path}\n")
        zygote.stdin.flush()
        name, child = zygote.stdout.readline().split()
        assert name == "child"
        output = [zygote.stdout.readline().split() for _ in range(chosen.randrange(1, 6))]
        moment = time.perf_counter() + chosen.random() * 0.008  # about the time between two commits
        while time.perf_counter() < moment:
            pass
        os.kill(int(child), signal.SIGKILL)
        while (line := zygote.stdout.readline().split())[0] != "exit":
            output.append(line)
        assert int(line[1]) == -signal.SIGKILL, output
        confirmed = [words for words in output if words[0] == "stored"]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            trainer = gw.open_run(path)
        commits = trainer._session.autosave._folder.commits
        if confirmed:
            # At most one unfinished commit and the removal of the snapshots that it replaced.
            assert 0 <= commits - int(confirmed[-1][1]) <= 3
            if commits == int(confirmed[-1][1]):
                assert json.loads(confirmed[-1][2]) == list(vars(trainer.timeline.place).values())
        advance(trainer)
        assert trainer.state_hash() == reference.at(trainer.timeline.place)
        trainer.close()
    zygote.stdin.close()
    zygote.stdout.close()
    zygote.wait()
    trainer = gw.open_run(path)
    assert len(trainer.timeline.branches) > 3
    for column in trainer.history:
        expected = reference.trainer.timeline.history(trainer.timeline.branch)[column][: trainer.iteration]
        np.testing.assert_array_equal(trainer.history[column], expected)
    count = len(trainer.timeline.interventions)
    assert trainer.timeline.interventions == reference.trainer.timeline.interventions[:count]


# --- storing fails ----------------------------------------------------------------------------------


def do_much(trainer):
    trainer.step(10)
    trainer.reset()
    trainer.step(5)


def test_a_full_disk_is_reported_once_and_everything_is_stored_once_there_is_room(path, monkeypatch):
    monkeypatch.setattr(keeping, "SPACING", 0)
    monkeypatch.setattr(keeping, "SHARE", 0)
    trainer, free = start(path), gw.GANTrainer("ring8", **SMALL)
    trainer.step(3)
    with monkeypatch.context() as full:

        def refuse(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        full.setattr("ganwidgets.runs.store.snapshot_files.whole_file", refuse)
        with pytest.warns(
            RuntimeWarning, match="No space left on device.*training goes on in memory"
        ) as caught:
            do_much(trainer)
        assert len(caught) == 1
        assert stored(path)[0] == (0, 3, 0)
    free.step(13)
    free.reset()
    free.step(6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer.step(1)
        trainer.close()
        opened = gw.open_run(path)
    assert opened.state_hash() == free.state_hash()
    assert opened.timeline.interventions == free.timeline.interventions
    opened.timeline.switch("main")
    free.timeline.switch("main")
    assert opened.state_hash() == free.state_hash()


def test_no_run_begins_in_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(gw.CheckpointError, match="is a file"):
        start(tmp_path / "file")
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "thesis.tex").write_text("")
    with pytest.raises(gw.CheckpointError, match="something else"):
        start(tmp_path / "else")


def test_stored_snapshots_are_thinned_and_memory_spills_into_the_folder(path, monkeypatch):
    monkeypatch.setattr(keeping, "SPACING", 0)
    monkeypatch.setattr(keeping, "SHARE", 0)
    monkeypatch.setattr(keeping, "STORED_AT_MOST", 20)
    trainer = start(path)
    trainer._session.snapshots._memory_budget = 20_000
    trainer.step(150)
    files = list((path / "snapshots").iterdir())
    assert len(files) < 30
    assert sum(snapshot.tree is None for snapshot in trainer._session.snapshots) > 5
    free = gw.GANTrainer("ring8", **SMALL)
    free.step(150)
    for iteration in (3, 77, 141):
        for t in (trainer, free):
            t.timeline.goto(iteration)
        assert trainer.state_hash() == free.state_hash()
    trainer.close()
    assert gw.open_run(path).state_hash() == free.state_hash()
