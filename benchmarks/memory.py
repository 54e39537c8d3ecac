"""Show that a run's memory does not grow with its length beyond the history's budget.

Rows are written to a history as a run writes them, without the training between them, which would
take hours; then a small run is trained to show that a step itself leaves nothing behind. Memory is
what the system counts as the process's own (its resident set).

    python benchmarks/memory.py [--millions 3] [--steps 20000]
"""

from __future__ import annotations

import argparse
import gc

import psutil
import torch

import ganwidgets as gw
from ganwidgets.runs.record.history import MEMORY_BUDGET, History

MIB = 2**20


def resident() -> float:
    """Return the MiB that this process holds."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / MIB


def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--millions", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20_000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    trainer = gw.GANTrainer("gaussians", g_hidden=(16, 16), d_hidden=(16, 16))
    record = trainer.step(2_000)
    history = History()
    before = resident()
    print(f"the history's budget: {MEMORY_BUDGET / MIB:.0f} MiB")
    for million in range(1, arguments.millions + 1):
        for _ in range(1_000_000):
            history.append(record)
            if history.rows % 10_000 == 0:
                history.envelope("loss_d", 400)
        print(f"history after {million} million iterations: {resident() - before:+.1f} MiB")

    before = resident()
    trainer.step(arguments.steps)
    print(f"{arguments.steps} steps of a run: {resident() - before:+.1f} MiB")


if __name__ == "__main__":
    main()
