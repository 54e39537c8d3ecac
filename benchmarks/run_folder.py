"""Compare storing a state in a run folder with `torch.save`, time opening a long run, and what keeping one costs.

The state is a pair of networks of ten million parameters together, with Adam's two moments. Both
sides write to the same disk and return when it is there: `torch.save` to a file that is flushed, ours
as a whole commit, with its hashes, the rename and the transaction.

Keeping: the time of training a small pair while it is kept in a folder, to that of a twin in memory, both in
turn. Opening a run: of as many iterations, most of them made up, stored as often as one that took half an hour.

    python benchmarks/run_folder.py [--pairs 15] [--folder .]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ganwidgets as gw
from ganwidgets.runs.record.columns import measured
from ganwidgets.runs.store import Entry, RunFolder

ITERATIONS = 100_000
ROWS = 50
"""Of the history in one commit: an autosave a second of a slow run."""


def pair() -> dict[str, Any]:
    """Return the state of two networks of five million parameters, as a snapshot has it."""
    shapes = {"0.weight": (1024, 1024), "2.weight": (2000, 1024), "4.weight": (1024, 1958), "4.bias": (24,)}

    def network() -> dict[str, torch.Tensor]:
        return {name: torch.randn(shape) for name, shape in shapes.items()}

    names = ("generator", "discriminator")
    return {
        "iteration": 1,
        "networks": {name: network() for name in names},
        "optimizers": {name: {"exp_avg": network(), "exp_avg_sq": network()} for name in names},
    }


def torch_saved(tree: dict[str, Any], path: Path) -> None:
    """Write `tree` the plain way, and see it on disk."""
    with path.open("wb") as file:
        torch.save(tree, file)
        file.flush()
        os.fsync(file.fileno())


def compare(folder: Path, pairs: int) -> None:
    """Print the median of the ratios of time, ours to that of `torch.save`."""
    tree = pair()
    parameters = sum(tensor.numel() for network in tree["networks"].values() for tensor in network.values())
    ratios, times, reading = [], [], []
    with RunFolder.create(folder / "run", {}) as run:
        for turn in range(pairs + 1):
            spent = {}
            for ours in (True, False) if turn % 2 else (False, True):
                began = time.perf_counter()
                if ours:
                    rows = run.commit(Entry(snapshots=[({"iteration": 1}, tree)]))
                else:
                    torch_saved(tree, folder / "state.pt")
                spent[ours] = time.perf_counter() - began
            began = time.perf_counter()
            run.read_snapshot(rows[0])
            reading.append(time.perf_counter() - began)
            (folder / "state.pt").unlink()
            run.remove_snapshots(rows)
            if turn:  # the first warms up
                ratios.append(spent[True] / spent[False])
                times.append(spent[True] * 1e3)
    print(
        f"storing {parameters / 1e6:.1f} million parameters with moments: time of ours to torch.save: median "
        f"{statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f}), ours "
        f"{statistics.median(times):.0f} ms; reading it {statistics.median(reading) * 1e3:.0f} ms"
    )


def open_long(folder: Path, pairs: int) -> None:
    """Print how long it takes to open and load a run of many iterations."""
    noise = np.random.default_rng(0)
    tree = {"weight": torch.zeros(100)}
    commits = []
    with RunFolder.create(folder / "long", {}) as run:
        for first in range(1, ITERATIONS + 1, ROWS):
            rows = range(first, first + ROWS)
            columns = {name: noise.random(ROWS) for name in ("loss_d", "loss_g")}
            for name in ("grad_norm_d", "grad_norm_g", "accuracy_real", "accuracy_fake"):
                columns[name] = noise.random(sum(map(measured, rows)))
            entry = Entry(
                interventions=[{"seq": first, "iteration": first, "setting": "lr_d", "old": 0.1, "new": 0.2}],
                history=[(0, first, columns)],
                snapshots=[({"branch": 0, "iteration": first}, tree)] if first % (10 * ROWS) == 1 else [],
                current={"branch": 0, "iteration": first + ROWS - 1},
            )
            began = time.perf_counter()
            run.commit(entry)
            commits.append(time.perf_counter() - began)
    times = []
    for _ in range(pairs):
        began = time.perf_counter()
        with RunFolder.open(folder / "long") as run:
            assert len(run.load().history[0][1]["loss_d"]) == ITERATIONS
            times.append(time.perf_counter() - began)
    print(
        f"opening a run of {ITERATIONS:,} iterations in {len(commits):,} commits: median "
        f"{statistics.median(times) * 1e3:.0f} ms (max {max(times) * 1e3:.0f}); a small commit: median "
        f"{statistics.median(commits) * 1e3:.2f} ms (max {max(commits) * 1e3:.1f})"
    )


def keep_training(folder: Path, pairs: int) -> None:
    """Print what keeping a run in a folder costs, as a share of training, and how long opening it takes."""
    small = {"g_hidden": (16, 16), "d_hidden": (16, 16), "latent_dim": 2, "batch_size": 150}
    kept = gw.GANTrainer("gaussians", **small, run=folder / "kept")
    twin = gw.GANTrainer("gaussians", **small)
    ratios = []
    for turn in range(pairs + 1):
        spent = {}
        for trainer in (kept, twin) if turn % 2 else (twin, kept):
            began = time.perf_counter()
            trainer.step(3000)
            spent[trainer] = time.perf_counter() - began
        if turn:
            ratios.append(spent[kept] / spent[twin])
    quartiles = statistics.quantiles(ratios, n=4)
    print(
        f"keeping a run of 16 units, batch 150: {100 * (statistics.median(ratios) - 1):+.2f} % of training (median "
        f"of {pairs} pairs, quartiles {100 * (quartiles[0] - 1):+.2f} {100 * (quartiles[2] - 1):+.2f}), "
        f"{len(kept._session.autosave._shelf.rows)} states stored"
    )


def open_whole(folder: Path, pairs: int) -> None:
    """Print how long it takes until the trainer of a run of many iterations is there again."""
    trainer = gw.GANTrainer("ring8", g_hidden=(4,), d_hidden=(4,), batch_size=4, run=folder / "whole")
    session = trainer._session
    for _ in range(ITERATIONS // ROWS):
        record = trainer.step()
        for _ in range(ROWS - 1):  # what training would leave, without the hour that it takes
            session.history.append(record)
            session.state.iteration += 1
        session.autosave.save()
    trainer.close()
    times = []
    for _ in range(pairs):
        began = time.perf_counter()
        opened = gw.open_run(folder / "whole")
        times.append(time.perf_counter() - began)
        assert opened.iteration == ITERATIONS
        opened.close()
    print(
        f"open_run of {ITERATIONS:,} iterations, stored {ITERATIONS // ROWS:,} times: median "
        f"{statistics.median(times) * 1e3:.0f} ms (max {max(times) * 1e3:.0f})"
    )


def main() -> None:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument(
        "--folder", type=Path, help="on the disk to be measured; else the system's temporary one"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        compare(Path(folder), arguments.pairs)
        open_long(Path(folder), arguments.pairs)
        keep_training(Path(folder), arguments.pairs)
        open_whole(Path(folder), arguments.pairs)


if __name__ == "__main__":
    main()
