"""A run on disk: committed content is loaded, one process writes, and no other folder is touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess

import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from run_steps import DOCUMENT, advance, check

from ganwidgets import CheckpointError
from ganwidgets.runs.record.columns import measured
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.store import Entry, RunFolder, schema

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool]
DTYPES += [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "ring-17"


def test_committed_content_is_loaded(path):
    with RunFolder.create(path, DOCUMENT) as folder:
        assert folder.writable
        assert folder.obstacle is None
        assert folder.owner == ""
        check(folder)
        for _ in range(14):
            advance(folder)
            check(folder)
    with RunFolder.open(path) as folder:
        check(folder)
        advance(folder)
        check(folder)
    with RunFolder.open(str(path), writable=False) as folder:
        check(folder)


def test_a_folder_is_found_after_a_change_of_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with RunFolder.create("run", DOCUMENT) as folder:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        for _ in range(7):
            advance(folder)
        check(folder)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    with RunFolder.open(tmp_path / "run") as folder:
        check(folder)


def test_a_missing_empty_snapshot_folder_is_accepted(path):
    RunFolder.create(path, DOCUMENT).close()
    (path / "snapshots").rmdir()
    with RunFolder.open(path) as folder:
        advance(folder)
        check(folder)


def test_a_state_with_every_kind_of_tensor_and_value(path):
    tree = {
        "tensors": {str(dtype): torch.arange(6).reshape(2, 3).to(dtype) for dtype in DTYPES},
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 3),
        "odd": torch.tensor([float("nan"), -0.0, float("inf")]),
        "transposed": torch.arange(6).reshape(2, 3).T,
        "part": torch.arange(12)[3:9:2],
        "learned": torch.nn.Parameter(torch.ones(2)),
        "a/b": {"c.d": torch.ones(1)},
        "plain": {
            "none": None,
            "flag": True,
            "widths": (16, 16),
            "é": "<tensor>!",
            "rate": 0.1,
            "nothing": {},
        },
    }
    with RunFolder.create(path, {}) as folder:
        (row,) = folder.commit(Entry(snapshots=[({"iteration": 1}, tree)]))
        assert row == folder.load().snapshots[0]
        found = folder.read_snapshot(row)
    assert digest(found) == digest(tree)
    assert found["plain"]["widths"] == (16, 16)
    assert found["tensors"]["torch.bfloat16"].dtype == torch.bfloat16


rows = st.integers(1, 25)


@settings(max_examples=25)
@given(st.lists(st.tuples(rows, st.integers(0, 30)), min_size=1, max_size=6), st.integers(1, 40))
def test_rows_committed_again_replace_the_old_ones(tmp_path_factory, chunks, first):
    """Like after a rollback: each chunk begins at or before the end of the last one."""
    wanted: dict[int, float] = {}
    entries, at = [], first
    for number, (length, back) in enumerate(chunks):
        at = max(first, at - back)
        wanted = {i: value for i, value in wanted.items() if i < at}
        new = {i: number + i / 100 for i in range(at, at + length)}
        wanted.update(new)
        columns = {
            "loss_d": np.array(list(new.values())),
            "accuracy_real": np.array([value for i, value in new.items() if measured(i)]),
        }
        entries.append(Entry(history=[(2, at, columns)]))
        at += length
    path = tmp_path_factory.mktemp("run") / "run"
    with RunFolder.create(path, {}) as folder:
        for entry in entries:
            folder.commit(entry)
        begun, columns = folder.load().history[2]
    assert begun == first
    assert columns["loss_d"].tolist() == list(wanted.values())
    assert columns["accuracy_real"].tolist() == [value for i, value in wanted.items() if measured(i)]


def test_a_gap_in_the_history_is_refused(path):
    with RunFolder.create(path, {}) as folder:
        folder.commit(Entry(history=[(0, 1, {"loss_d": np.zeros(5)})]))
        with pytest.raises(ValueError, match=r"branch 0 goes on at 6, not at 7"):
            folder.commit(Entry(branches=[{"id": 1}], history=[(0, 7, {"loss_d": np.zeros(5)})]))
        assert folder.commits == 1
        assert folder.load().branches == []


def test_values_that_cannot_be_stored_are_refused_and_nothing_changes(path):
    with pytest.raises(TypeError, match="JSON"):
        RunFolder.create(path, {"x": object()})
    assert not path.exists()
    with RunFolder.create(path, DOCUMENT) as folder:
        advance(folder)
        for entry in (
            Entry(branches=[{"x": object()}]),
            Entry(snapshots=[({}, {"x": torch.ones(1)}), ({}, {"x": object()})]),
            Entry(snapshots=[({"x": object()}, {"x": torch.ones(1)})]),
            Entry(snapshots=[({}, {"a/b": torch.ones(1), "a": {"b": torch.ones(1)}})]),
            Entry(current={"x": object()}),
        ):
            with pytest.raises((TypeError, ValueError)):
                folder.commit(entry)
            assert len(list((path / "snapshots").iterdir())) == 1
            check(folder)


def test_thinning_removes_the_row_and_the_file(path):
    with RunFolder.create(path, {}) as folder:
        rows = folder.commit(Entry(snapshots=[({"i": i}, {"x": torch.full((3,), i)}) for i in range(5)]))
        folder.remove_snapshots(rows[1:4])
        folder.remove_snapshots(rows[1:2])
        assert folder.load().snapshots == [rows[0], rows[4]]
        assert {file.name for file in (path / "snapshots").iterdir()} == {rows[0].file, rows[4].file}
        with pytest.raises(CheckpointError, match="missing"):
            folder.read_snapshot(rows[2])
        (new,) = folder.commit(Entry(snapshots=[({"i": 5}, {"x": torch.zeros(1)})]))
        assert new.id == 6, "no number comes twice"


def test_orphans_are_removed_and_other_files_stay(path):
    with RunFolder.create(path, DOCUMENT) as folder:
        advance(folder)
        kept = {file.name for file in (path / "snapshots").iterdir()}
    for name in (f"{'a' * 16}.safetensors", f".{'b' * 16}.safetensors.0123abcd", "notes.txt", ".hidden"):
        (path / "snapshots" / name).write_bytes(b"x")
    with RunFolder.open(path, writable=False):
        assert len(list((path / "snapshots").iterdir())) == len(kept) + 4
    with RunFolder.open(path) as folder:
        check(folder)
    assert {file.name for file in (path / "snapshots").iterdir()} == {*kept, "notes.txt", ".hidden"}


# --- two processes ------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the processes talk through a pipe")
def test_one_process_writes_while_another_reads(zygote, tmp_path):
    path = tmp_path / "run"
    os.mkfifo(tmp_path / "pipe")
    child = zygote.begin("hold", path)
    assert zygote.line() == ["opened", "0"]
    with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
        readers = [RunFolder.open(path), RunFolder.open(path, writable=False)]
        assert not any(reader.writable for reader in readers)
        assert f"process {child} of " in readers[0].owner
        assert f"in use by process {child}" in readers[0].obstacle
        for count in range(1, 15):
            pipe.write(b"x")
            assert zygote.line() == ["confirmed", str(count)]
            for reader in readers:
                assert reader.commits == count
                check(reader)
        for refused in (lambda: readers[0].commit(Entry()), lambda: readers[0].remove_snapshots([])):
            with pytest.raises(CheckpointError, match=f"in use by process {child}"):
                refused()
        with pytest.raises(CheckpointError, match="already holds a run"):
            RunFolder.create(path, DOCUMENT)
    assert zygote.rest() == ([], 0)
    for reader in readers:
        reader.close()
    with RunFolder.open(path) as folder:
        assert folder.writable
        check(folder)


def test_one_process_cannot_write_twice(path):
    with RunFolder.create(path, DOCUMENT) as folder:
        with RunFolder.open(path) as second:
            assert f"process {os.getpid()}" in second.owner
            advance(folder)
            check(second)
        advance(folder)
        with pytest.raises(CheckpointError, match="in use"), RunFolder.open(path) as second:
            advance(second)
    with RunFolder.open(path) as folder:
        assert folder.writable


def test_a_killed_owner_holds_no_lock(zygote, path):
    zygote.run("some", path, 3, "kill")
    assert (path / "owner.json").exists()
    with RunFolder.open(path) as folder:
        assert folder.writable
        check(folder)


def test_an_owner_with_an_unreadable_name_is_another_process(path):
    with RunFolder.create(path, DOCUMENT):
        (path / "owner.json").write_text('{"pid": 1}')
        with RunFolder.open(path) as second:
            assert second.owner == "another process"


def test_a_forked_process_neither_writes_nor_releases_the_lock(zygote, path):
    assert zygote.run("forked", path) == ([["copy", "CheckpointError"]], 0)
    with RunFolder.open(path) as folder:
        assert folder.commits == 2
        check(folder)


def test_a_closed_folder_refuses_writes(path):
    folder = RunFolder.create(path, DOCUMENT)
    folder.close()
    folder.close()
    assert not folder.writable
    with pytest.raises(CheckpointError, match="closed"):
        folder.commit(Entry())
    with pytest.raises(CheckpointError):
        folder.load()


# --- read-only folders --------------------------------------------------------------------------


def test_a_folder_that_cannot_be_locked_is_read(path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    with RunFolder.create(path, DOCUMENT) as folder:
        advance(folder)
    monkeypatch.setattr(FileLock, "acquire", refuse)
    with RunFolder.open(path) as folder:
        check(folder)
        with pytest.raises(CheckpointError, match="cannot be written to: Permission denied"):
            folder.commit(Entry())


def test_a_read_only_medium_is_read(disk, zygote):
    zygote.run("some", disk / "closed", 8, "close")
    zygote.run("some", disk / "killed", 8, "kill")
    subprocess.run([shutil.which("mount"), "-o", "remount,ro", disk], check=True)
    for name in ("closed", "killed"):
        for writable in (True, False):
            with RunFolder.open(disk / name, writable) as folder:
                assert not folder.writable
                assert folder.commits == 8
                check(folder)
    with pytest.raises(CheckpointError, match="Read-only file system"):
        RunFolder.create(disk / "new", DOCUMENT)


# --- versions and other folders -------------------------------------------------------------------


def changed(path, *statements):
    with contextlib.closing(sqlite3.connect(path / "run.sqlite")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


@pytest.fixture
def stored(path):
    with RunFolder.create(path, DOCUMENT) as folder:
        for _ in range(4):
            advance(folder)
    return path


def everything(folder):
    return {file: file.read_bytes() if file.is_file() else None for file in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("writable", [True, False])
def test_a_newer_schema_is_refused_by_name(stored, writable):
    changed(stored, "UPDATE schema SET version = 7", "CREATE TABLE future (x)")
    before = everything(stored)
    with pytest.raises(CheckpointError, match=r"format 7, this one reads up to 1.*upgrade"):
        RunFolder.open(stored, writable)
    assert everything(stored).items() >= before.items()


def test_an_older_schema_is_brought_up_to_date(stored, monkeypatch):
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setattr(schema, "_STATEMENTS", (*schema._STATEMENTS, "CREATE TABLE more (x)"))
    monkeypatch.setattr(schema, "MIGRATIONS", {1: lambda database: database.execute("CREATE TABLE more (x)")})
    with pytest.raises(CheckpointError, match="older version"):
        RunFolder.open(stored, writable=False)
    for _ in range(2):
        with RunFolder.open(stored) as folder:
            advance(folder)
            check(folder)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="newer version"):
        RunFolder.open(stored)


def test_a_failing_migration_changes_nothing(stored, monkeypatch):
    def half(database):
        database.execute("CREATE TABLE more (x)")
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setattr(schema, "MIGRATIONS", {1: half})
    with pytest.raises(CheckpointError):
        RunFolder.open(stored)
    monkeypatch.undo()
    with RunFolder.open(stored) as folder:
        assert folder.writable
        check(folder)


def test_a_folder_of_another_kind_is_refused_and_unchanged(tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / f"{'a' * 16}.safetensors").write_bytes(b"precious")
    (tmp_path / "precious").write_text("precious")
    before = everything(tmp_path)
    with pytest.raises(CheckpointError, match="not the folder of a run"):
        RunFolder.open(tmp_path)
    with pytest.raises(CheckpointError, match=r"holds something else \(precious\)"):
        RunFolder.create(tmp_path, DOCUMENT)
    (tmp_path / "precious").unlink()
    with pytest.raises(CheckpointError, match=r"holds something else \(snapshots\)"):
        RunFolder.create(tmp_path, DOCUMENT)
    for foreign in (b"", b"hello", b"SQLite format 3\0" + b"\xff" * 200):
        (tmp_path / "run.sqlite").write_bytes(foreign)
        before = everything(tmp_path)
        with pytest.raises(CheckpointError, match=r"not a run|damaged"):
            RunFolder.open(tmp_path)
        assert everything(tmp_path) == before
    (tmp_path / "run.sqlite").unlink()
    changed(
        tmp_path,
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE schema (version)",
        "INSERT INTO schema VALUES (1)",
    )
    before = everything(tmp_path)
    with pytest.raises(CheckpointError, match="not a run"):
        RunFolder.open(tmp_path)
    after = everything(tmp_path)
    assert {file: after[file] for file in before} == before
    assert not (tmp_path / "lock").exists()


@pytest.mark.parametrize("where", ["missing", "missing/run", "a\0b", "x" * 300, "file", "file/run"])
def test_a_path_without_a_run_is_named(tmp_path, where):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(CheckpointError, match="not the folder of a run"):
        RunFolder.open(tmp_path / where)
    if not where.startswith("missing"):
        with pytest.raises(CheckpointError, match=r"no run can be stored in|is a file"):
            RunFolder.create(tmp_path / where, DOCUMENT)
    assert (tmp_path / "file").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1
