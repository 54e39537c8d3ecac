"""A process that has imported everything and forks one child for each line it reads, so that children are cheap.

A line is a JSON list: the name of a function below, then its arguments. What the child prints
comes first; then, when it has ended, ``exit`` and how.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import signal
import sys
import traceback
from pathlib import Path

import torch
from run_steps import DOCUMENT, advance, check

from ganwidgets import CheckpointError
from ganwidgets.runs.store import RunFolder

STRIKE = ctypes.CDLL(os.environ["STRIKE"]) if "STRIKE" in os.environ else None


def say(*words):
    # Write one line at once: a process killed within a line would leave half of it.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def opened(path):
    return RunFolder.open(path) if (Path(path) / "run.sqlite").exists() else RunFolder.create(path, DOCUMENT)


def for_ever(path):
    """Take steps until killed."""
    folder = opened(path)
    say("opened", folder.commits)
    while True:
        advance(folder)
        say("confirmed", folder.commits)


def some(path, steps, end):
    """Take `n` steps, then close the folder, or be killed."""
    folder = opened(path)
    for _ in range(steps):
        advance(folder)
    if end == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    folder.close()


def struck(path, call):
    """Carry out a whole run, and exit at a system call that changes the disk."""
    STRIKE.arm(call, 0)
    folder = RunFolder.create(path, DOCUMENT)
    for _ in range(6):
        advance(folder)
        say("confirmed", folder.commits)
    folder.close()
    with RunFolder.open(path) as folder:
        advance(folder)
        say("confirmed", folder.commits)
    STRIKE.disarm()


def full(path, number):
    """Get a full disk at each system call in turn: while a folder is created, then at each kind of step."""
    failures = at = 0
    while True:
        at += 1
        STRIKE.arm(at, number)
        try:
            folder = RunFolder.create(path, DOCUMENT)
        except CheckpointError:
            STRIKE.disarm()
            failures += 1
            continue
        untouched = STRIKE.remaining() > 0
        STRIKE.disarm()
        folder.close()
        if untouched:
            break
        path += "+"  # It is stored although the last call failed.
    folder = RunFolder.open(path)
    say("creations", failures)
    for _ in range(7):
        failures = at = 0
        while True:
            at += 1
            before = folder.commits
            STRIKE.arm(at, number)
            try:
                advance(folder)
            except CheckpointError:
                STRIKE.disarm()
                failures += 1
                assert folder.commits == before
                check(folder)
                assert len(list(Path(path, "snapshots").iterdir())) == len(folder.load().snapshots)
                continue
            untouched = STRIKE.remaining() > 0
            STRIKE.disarm()
            assert folder.commits == before + 1
            check(folder)
            if untouched:
                break
        say("steps", failures)
    folder.close()
    with RunFolder.open(path) as folder:
        check(folder)


def forked(path):
    """Fork while the folder is open; the child can neither write to it nor release it."""
    folder = opened(path)
    advance(folder)
    copy = os.fork()
    if copy == 0:
        try:
            advance(folder)
        except CheckpointError as error:
            say("copy", type(error).__name__)
        folder.close()
        del folder
        sys.exit()
    os.waitpid(copy, 0)
    assert not RunFolder.open(path).writable
    advance(folder)
    check(folder)
    folder.close()


def at_exit(path):
    """Take the last step while the interpreter shuts down."""
    folder = opened(path)
    atexit.register(folder.close)
    atexit.register(advance, folder)
    sys.exit()


def hold(path):
    """Hold the folder, and take a step for each byte on a pipe."""
    folder = opened(path)
    say("opened", folder.commits)
    with (Path(path).parent / "pipe").open("rb", buffering=0) as pipe:
        while pipe.read(1):
            advance(folder)
            say("confirmed", folder.commits)
    folder.close()


def serve():
    torch.set_num_threads(1)
    say("ready")
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            say("child", os.getpid())
            try:
                globals()[name](*arguments)
            except SystemExit:
                raise
            except BaseException:  # noqa: BLE001 - the child must not come back here
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        say("exit", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    serve()
