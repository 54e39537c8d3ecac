"""Children to be killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


class Zygote:
    """A running `zygote.py`."""

    def __init__(self, preload=None):
        self.process = subprocess.Popen(
            [sys.executable, "-u", HERE / "zygote.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(HERE.parents[2]), *sys.path]),
                **({"LD_PRELOAD": str(preload)} if preload else {}),
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
        """Return what the child still says, and how it ended."""
        said = []
        while (line := self.line())[0] != "exit":
            said.append(line)
        return said, int(line[1])

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
def zygote():
    if not hasattr(os, "fork"):
        pytest.skip("children are forked")
    running = Zygote()
    yield running
    running.close()


@pytest.fixture(scope="session")
def striking(tmp_path_factory):
    """A zygote whose calls that change the disk can be made to fail, those of SQLite too."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("strike") / "strike.so"
    command = [compiler, "-shared", "-fPIC", "-o", library, HERE / "strike.c", "-ldl"]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("the C compiler does not make libraries")
    running = Zygote(library)
    yield running
    running.close()
