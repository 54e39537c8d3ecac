"""Atomic writes: a file is written whole or not at all, and only a regular file is replaced."""

from __future__ import annotations

import os
import socket
import stat

import pytest

from ganwidgets import CheckpointError, GANTrainer
from ganwidgets.runs.disk.atomic import chosen_file, whole_file
from ganwidgets.runs.disk.file_kinds import NotRegularError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither pipes nor sockets in folders")

ENDINGS = ("gan", "png", "gif", "html")


@pytest.fixture(scope="module")
def trainer():
    return GANTrainer(g_hidden=(4,), d_hidden=(4,), batch_size=8)


def write(trainer, path):
    (trainer.save if path.suffix == ".gan" else trainer.export)(path)


def make(kind, path):
    """Create a non-regular file at `path`; return another path that must survive."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "link to a pipe":
        os.mkfifo(path.with_name("pipe"))
        path.symlink_to("pipe")
    elif kind == "link to itself":
        path.symlink_to(path.name)
    else:
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(os.path.relpath(path))
        return bound
    return None


def listing(folder):
    return {entry.name: (entry.lstat().st_mode, entry.lstat().st_ino) for entry in folder.iterdir()}


@pytest.mark.parametrize("kind", ["pipe", "directory", "socket", "link to a pipe", "link to itself"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_non_regular_file_is_refused_and_kept(trainer, tmp_path, monkeypatch, kind, ending):
    monkeypatch.chdir(tmp_path)  # a socket path has a length limit
    path = tmp_path / f"target.{ending}"
    alive = make(kind, path)
    before = listing(tmp_path)
    with pytest.raises((CheckpointError, OSError), match=r"target\.\w+.* cannot be written: .*; choose"):
        write(trainer, path)
    assert listing(tmp_path) == before
    if alive is not None:
        alive.close()


@pytest.mark.parametrize("ending", ENDINGS[:2])
def test_a_link_is_followed_and_stays_a_link(trainer, tmp_path, ending):
    (tmp_path / "elsewhere").mkdir()
    for there in (True, False):
        target = tmp_path / "elsewhere" / f"{there}.{ending}"
        if there:
            target.write_bytes(b"old")
        link = tmp_path / f"{there}.{ending}"
        link.symlink_to(target)
        write(trainer, link)
        assert link.is_symlink()
        assert not target.is_symlink()
        assert target.stat().st_size > 100
    assert {entry.name for entry in tmp_path.iterdir()} == {"elsewhere", f"True.{ending}", f"False.{ending}"}


def test_a_private_file_keeps_its_permissions(trainer, tmp_path):
    path = tmp_path / "run.gan"
    path.touch(mode=0o600)
    trainer.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_created_during_the_write_is_not_replaced(tmp_path):
    path = tmp_path / "late"
    with pytest.raises(NotRegularError, match="late is a pipe"), whole_file(path) as file:  # noqa: PT012
        file.write(b"content")
        os.mkfifo(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["late"]
    assert stat.S_ISFIFO(path.lstat().st_mode)


def test_a_link_that_the_user_did_not_choose_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"old")
    (tmp_path / "link").symlink_to(outside)
    with pytest.raises(NotRegularError, match="a symbolic link"), whole_file(tmp_path / "link"):
        pass
    assert chosen_file(tmp_path / "link") == outside
    assert outside.read_bytes() == b"old"
