"""Child processes that tests kill."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent


class Zygote:
    """A running `zygote.py`."""

    def __init__(self, preload):
        self.strikes = preload is not None
        self.process = subprocess.Popen(
            [sys.executable, "-u", HERE / "zygote.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(HERE.parents[2]), *sys.path]),
                **({"LD_PRELOAD": str(preload), "STRIKE": str(preload)} if preload else {}),
            },
        )
        assert self.line() == ["ready"]

    def line(self):
        return self.process.stdout.readline().split()

    def begin(self, work, *arguments):
        """Start a child and return its process id."""
        self.process.stdin.write(json.dumps([work, *map(_plain, arguments)]) + "\n")
        self.process.stdin.flush()
        name, pid = self.line()
        assert name == "child"
        return int(pid)

    def rest(self):
        """Return the remaining output of the child, and how it ended."""
        lines = []
        while (line := self.line())[0] != "exit":
            lines.append(line)
        return lines, int(line[1])

    def run(self, work, *arguments):
        self.begin(work, *arguments)
        return self.rest()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def _plain(argument):
    return str(argument) if isinstance(argument, Path) else argument


@pytest.fixture(scope="session")
def zygote(tmp_path_factory):
    """Children that can be killed; with a compiler, also at a system call that changes the disk."""
    if not hasattr(os, "fork"):
        pytest.skip("children are forked")
    running = Zygote(_striking_library(tmp_path_factory.mktemp("strike")))
    yield running
    running.close()


@pytest.fixture
def striking(zygote):
    """Children whose system calls that change the disk can be made to fail, including those of SQLite."""
    if not zygote.strikes:
        pytest.skip("needs Linux and a C compiler")
    return zygote


def _striking_library(folder):
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    library = folder / "strike.so"
    command = [compiler, "-shared", "-fPIC", "-o", library, HERE / "strike.c", "-ldl"]
    return None if subprocess.run(command, check=False, capture_output=True).returncode else library


@pytest.fixture
def memory(tmp_path):
    """A folder in memory if the system has one, because many flushes to a disk are slow."""
    shared = Path("/dev/shm")  # noqa: S108 - not a fixed name in it
    if not (shared.is_dir() and os.access(shared, os.W_OK)):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared) as found:
        yield Path(found)


@pytest.fixture
def disk(tmp_path):
    """A disk of one megabyte."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = shutil.which("mount")
    if mount is None or not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("needs the right to mount a disk")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "none", path], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield path
    subprocess.run([shutil.which("umount"), path], check=True)
