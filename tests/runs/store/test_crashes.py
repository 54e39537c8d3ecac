"""After a kill at any moment or with a full disk, the folder opens and contains what was committed."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from pathlib import Path

import pytest
from run_steps import DOCUMENT, advance, check

from ganwidgets import CheckpointError
from ganwidgets.runs.store import RunFolder


def names(path):
    return sorted(entry.name for entry in path.iterdir())


def test_killed_at_fifty_random_moments(zygote, tmp_path):
    path = tmp_path / "run"
    chosen = random.Random(0)  # noqa: S311 - when it is killed
    for _ in range(50):
        child = zygote.begin("for_ever", path)
        confirmed = 0
        for _ in range(chosen.randrange(1, 8)):
            confirmed = int(zygote.line()[1])
        moment = time.perf_counter() + chosen.random() * 0.004  # about the duration of a step
        while time.perf_counter() < moment:
            pass
        os.kill(child, signal.SIGKILL)
        lines, status = zygote.rest()
        assert status == -signal.SIGKILL
        confirmed = max([confirmed, *(int(count) for _, count in lines)])
        with RunFolder.open(path) as folder:
            assert confirmed <= folder.commits <= confirmed + 1
            check(folder)
            assert len(names(path / "snapshots")) == len(folder.load().snapshots), "no orphan stays"
    assert names(path) == ["confirmed", "lock", "run.sqlite", "snapshots"]


def test_killed_at_each_system_call_that_changes_the_disk(striking, memory):
    unborn = call = 0
    while True:
        call += 1
        path = memory / str(call)
        lines, status = striking.run("struck", path, call)
        confirmed = int(lines[-1][1]) if lines else 0
        if (path / "run.sqlite").exists():
            folder = RunFolder.open(path)
        else:
            unborn += 1
            folder = RunFolder.create(path, DOCUMENT)
        with folder:
            assert confirmed <= folder.commits <= confirmed + 1
            check(folder)
            assert len(names(path / "snapshots")) == len(folder.load().snapshots)
            advance(folder)
            check(folder)
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert unborn > 10
    assert call > 150, "the calls of SQLite are among them"


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_at_each_system_call_damages_nothing(striking, memory, error):
    lines, status = striking.run("full", memory / "run", error)
    assert status == 0, "the child's own assertions hold"
    assert all(int(count) > 2 for _, count in lines), "each step was seen to fail"


def test_a_file_system_without_space(disk):
    folder = RunFolder.create(disk / "run", DOCUMENT)
    failed = 0
    while failed < 20:
        commits = folder.commits
        try:
            advance(folder)
        except CheckpointError as error:
            assert "No space left" in str(error) or "full" in str(error)  # noqa: PT017
            failed += 1
            assert folder.commits == commits
        if failed == 0:
            (disk / f"other {commits}").write_bytes(b"x" * min(20_000, free(disk) // 2))
    check(folder)
    for other in disk.glob("other *"):
        other.unlink()
    advance(folder)
    check(folder)
    folder.close()
    with RunFolder.open(disk / "run") as folder:
        check(folder)


def free(disk):
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def test_the_last_step_is_stored_at_interpreter_shutdown(tmp_path, zygote):
    path = tmp_path / "run"
    assert zygote.run("some", path, 2, "close") == ([], 0)
    assert zygote.run("at_exit", path) == ([], 0)
    with RunFolder.open(path) as folder:
        assert folder.commits == 3
        check(folder)


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("stage", ["fsync", "replace", "append"])
def test_a_failing_commit_changes_nothing(tmp_path, monkeypatch, stage, failure):
    def fail(*_arguments):
        raise failure

    with RunFolder.create(tmp_path / "run", DOCUMENT) as folder:
        advance(folder)
        advance(folder)
        before = names(tmp_path / "run" / "snapshots")
        where = {"fsync": os, "replace": Path, "append": folder._index}[stage]
        monkeypatch.setattr(where, stage, fail)
        with pytest.raises((CheckpointError, KeyboardInterrupt)) as caught:
            advance(folder)
        assert isinstance(caught.value, CheckpointError) == isinstance(failure, OSError)
        monkeypatch.undo()
        assert folder.commits == 2
        assert names(tmp_path / "run" / "snapshots") == before
        advance(folder)
        check(folder)
