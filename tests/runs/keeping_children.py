"""A process that imports everything and forks a child for each folder that it reads. The child trains there
until killed.

After each commit a child prints ``stored``, the number of commits and the place of the run.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

import torch

import ganwidgets as gw
from ganwidgets.runs.folder import autosaver as keeping
from ganwidgets.runs.folder import opening
from ganwidgets.runs.store import RunFolder

SMALL = {"g_hidden": (4,), "d_hidden": (4,), "latent_dim": 2, "batch_size": 4}


def say(*words):
    # Write one line at once: a process killed within a line would leave half of it.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def advance(trainer):
    """Make the next move; it depends only on the state of the run."""
    iteration = trainer.iteration
    if iteration == 20 + 5 * len(trainer.timeline.branches):
        trainer.timeline.goto(iteration - 15)
        return
    if iteration % 10 == 4:
        trainer.settings.lr_d = 0.001 * (1 + iteration // 10)
    if iteration % 7 == 3 and (trainer.interventions[-1:] or [{"setting": ""}])[0]["setting"] != "step_d":
        trainer.step_d()
    trainer.step()


def train(path):
    """Train until killed; store at every occasion."""
    assert opening  # imported before the fork
    store = RunFolder.commit

    def commit(self, entry):
        rows = store(self, entry)
        say("stored", self.commits, json.dumps(entry.current["place"], separators=(",", ":")))
        return rows

    RunFolder.commit = commit
    keeping.SPACING, keeping.SHARE, keeping.SHARE_AT_ONCE = 0.0, 0.5, 0.0
    there = (Path(path) / "run.sqlite").exists()
    trainer = gw.open_run(path) if there else gw.GANTrainer("ring8", **SMALL, run=path)
    while True:
        advance(trainer)


def main():
    torch.set_num_threads(1)
    # Import here what is loaded on first use, so that all children have it.
    gw.GANTrainer("ring8", **SMALL).step(2)
    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                say("child", os.getpid())
                train(line.strip())
            except BaseException:  # noqa: BLE001 - the child must not go on as the parent
                traceback.print_exc()
                os._exit(1)
        _, status = os.waitpid(child, 0)
        say("exit", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
