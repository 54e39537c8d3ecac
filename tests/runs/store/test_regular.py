"""A run folder from an untrusted source: no file in it leads out of the folder or blocks the process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import stat
import struct
import warnings
from pathlib import Path

import pytest
from run_steps import DOCUMENT, advance

from ganwidgets import CheckpointError
from ganwidgets.runs.disk.file_kinds import NotRegularError
from ganwidgets.runs.store import RunFolder
from ganwidgets.runs.store.layout import check_files
from ganwidgets.runs.store.regular import opened

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and pipes"),
    pytest.mark.timeout(20),
]

FILES = [
    "confirmed",
    "owner.json",
    "lock",
    "run.sqlite",
    "run.sqlite-wal",
    "run.sqlite-shm",
    "run.sqlite-journal",
]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("stored") / "run"
    with RunFolder.create(path, DOCUMENT) as folder:
        for _ in range(4):
            advance(folder)
    return path


@pytest.fixture
def run(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "run")


def symbolic(path, outside):
    path.symlink_to(outside)


def dangling(path, outside):
    path.symlink_to(outside.with_name("missing"))


def hard(path, outside):
    os.link(outside, path)


def pipe(path, _outside):
    os.mkfifo(path)


def directory(path, _outside):
    path.mkdir()


def listening(path, _outside):
    here = Path.cwd()
    os.chdir(path.parent)  # a socket path is limited to about 100 bytes
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def device(path, _outside):
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 7))  # /dev/full
    except PermissionError:
        pytest.skip("needs the right to make a device")


KINDS = [symbolic, dangling, hard, pipe, directory, listening, device]


def seen(path):
    """Return the metadata of every file beside a run, except the run's own."""
    found = {}
    for file in sorted(path.rglob("*")):
        about = file.lstat()
        content = file.read_bytes() if stat.S_ISREG(about.st_mode) else None
        found[str(file)] = about.st_ino, about.st_mode, about.st_size, about.st_mtime_ns, content
    return found


@pytest.fixture
def outside(tmp_path):
    """A folder beside the run, which must not change."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_bytes(b"precious")
    (folder / ("0" * 16 + ".safetensors")).write_bytes(b"of another run")
    before = None

    def begin():
        nonlocal before
        before = seen(folder)
        return folder

    yield begin
    assert before is not None
    assert seen(folder) == before


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_a_non_regular_file_is_refused(run, outside, tmp_path, name, kind, writable):
    (run / name).unlink(missing_ok=True)
    kind(run / name, tmp_path / "outside" / "precious")
    outside()
    with pytest.raises(CheckpointError, match=rf"{name} (is|does not)|{name}.*no file of a run"):
        RunFolder.open(run, writable)
    assert stat.S_IFMT((run / name).lstat().st_mode)  # nor was it removed


@pytest.mark.parametrize("name", [*FILES, "snapshots"])
@pytest.mark.parametrize("kind", [symbolic, dangling, hard, pipe])
def test_no_run_begins_in_a_folder_with_a_non_regular_file(outside, tmp_path, name, kind):
    run = tmp_path / "new"
    run.mkdir()
    kind(run / name, tmp_path / "outside" / "precious")
    outside()
    with pytest.raises(CheckpointError):
        RunFolder.create(run, DOCUMENT)


@pytest.mark.parametrize("writable", [True, False])
def test_snapshots_in_another_folder_are_refused(run, outside, tmp_path, writable):
    shutil.move(run / "snapshots", tmp_path / "elsewhere")
    shutil.copytree(tmp_path / "elsewhere", tmp_path / "outside", dirs_exist_ok=True)
    (run / "snapshots").symlink_to(tmp_path / "outside", target_is_directory=True)
    outside()
    with pytest.raises(CheckpointError, match="snapshots is a symbolic link"):
        RunFolder.open(run, writable)


@pytest.mark.parametrize("kind", KINDS)
def test_a_snapshot_that_is_not_a_file_is_refused(run, outside, tmp_path, kind):
    with RunFolder.open(run) as folder:
        row = folder.load().snapshots[0]
        path = run / "snapshots" / row.file
        shutil.move(path, tmp_path / "outside" / "moved")
        kind(path, tmp_path / "outside" / "moved")
        outside()
        with pytest.raises(CheckpointError, match="missing or damaged"):
            folder.read_snapshot(row)
        folder.remove_snapshots([row])


def test_snapshots_replaced_by_links_while_the_run_is_open_are_not_followed(run, outside, tmp_path):
    with RunFolder.open(run) as folder:
        rows = folder.load().snapshots
        shutil.copytree(run / "snapshots", tmp_path / "outside", dirs_exist_ok=True)
        shutil.rmtree(run / "snapshots")
        (run / "snapshots").symlink_to(tmp_path / "outside", target_is_directory=True)
        outside()
        with pytest.raises(CheckpointError, match="symbolic link"):
            folder.read_snapshot(rows[0])
        with pytest.raises(CheckpointError, match="symbolic link"):
            advance(folder)
        folder.remove_snapshots(rows[:1])


def test_a_path_that_is_a_link_to_a_run_is_followed(run, tmp_path):
    (tmp_path / "link").symlink_to(run, target_is_directory=True)
    with RunFolder.open(tmp_path / "link") as folder:
        assert folder.writable
        advance(folder)
        assert folder.commits == 5


def forge_journal(run, pages, victim):
    """Write a hot journal without pages that names `victim` as its super-journal."""
    name = str(victim).encode()
    header = bytes.fromhex("d9d505f920a163d7") + struct.pack(">5I", 0, 0, pages, 512, 4096)
    lock_page = struct.pack(">I", 2**30 // 4096 + 1)
    tail = lock_page + name + struct.pack(">2I", len(name), sum(name)) + header[:8]
    (run / "run.sqlite-journal").write_bytes(header.ljust(512, b"\0") + tail)


def test_a_journal_that_names_a_file_to_remove_is_refused(run, outside, tmp_path):
    """SQLite removes the super-journal of a hot journal that it rolls back."""
    victim = tmp_path / "outside" / "precious"
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        pages = database.execute("PRAGMA page_count").fetchone()[0]
    forge_journal(run, pages, victim)
    outside()
    with pytest.raises(CheckpointError, match=r"run\.sqlite-journal is no file of a run"):
        RunFolder.open(run)
    decoy = tmp_path / "removable"
    decoy.write_bytes(b"decoy")
    forge_journal(run, pages, decoy)
    with contextlib.closing(sqlite3.connect(run / "run.sqlite")) as database:
        database.execute("SELECT count(*) FROM history").fetchall()
    assert not decoy.exists(), "the journal is what SQLite takes it for"


def test_only_regular_files_are_opened(run):
    with opened(run, "confirmed") as file:
        assert json.loads(file.read())["commits"] == 4
    with opened(run, "new", os.O_RDWR | os.O_CREAT) as file:
        file.write(b"written")
    assert (run / "new").read_bytes() == b"written"
    with pytest.raises(FileNotFoundError):
        opened(run, "missing")
    (run / "inner").symlink_to(run / "snapshots", target_is_directory=True)
    with pytest.raises(NotRegularError, match="symbolic link"):
        opened(run, "inner/any")


def test_without_directory_descriptors_files_are_checked_by_path(run, tmp_path, monkeypatch):
    monkeypatch.setattr("ganwidgets.runs.store.regular._RELATIVE", False)
    with RunFolder.open(run) as folder:
        row = folder.load().snapshots[0]
        folder.read_snapshot(row)
        (run / "snapshots").rename(tmp_path / "outside")
        (run / "snapshots").symlink_to(tmp_path / "outside", target_is_directory=True)
        with pytest.raises(CheckpointError, match="symbolic link"):
            folder.read_snapshot(row)
    (run / "confirmed").unlink()
    (run / "confirmed").symlink_to(tmp_path / "other")
    with pytest.raises(CheckpointError, match="confirmed is a symbolic link"):
        check_files(run)
    with pytest.raises(NotRegularError):
        opened(run, "confirmed", os.O_RDWR | os.O_CREAT)
    assert not (tmp_path / "other").exists()


def test_the_name_of_an_owner_is_treated_as_text(run):
    from ganwidgets.runs.store.checksummed_json import sealed
    from ganwidgets.runs.store.ownership import owner

    for forged in ({}, {"pid": 1}, {"pid": "1", "user": [], "host": {}, "since": None}, {"template": "x"}):
        (run / "owner.json").write_bytes(sealed(forged))
        assert owner(run) == "another process"
    (run / "owner.json").write_bytes(sealed({"pid": 1, "user": "a\nb", "host": "h", "since": "now"}))
    assert owner(run) == "process 1 of a b on h, since now"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RunFolder.open(run).close()
