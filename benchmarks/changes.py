"""What it costs to change a setting at every step, in time, in memory and on disk, against the run without.

A callback sets `lr_g` and `lr_d` after each step, as an own learning-rate schedule was once written. Beside it runs
the same schedule as a function (``lr_schedule=function``), and a run whose rates stay. Each is trained in turn, in
memory and then in a folder. Bytes are those of the log of interventions with their values, of the snapshots, and
of the run's folder.

    python benchmarks/changes.py [--pairs 5] [--steps 2000]
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import ganwidgets as gw

KINDS = {
    "16 units": {"g_hidden": (16, 16), "d_hidden": (16, 16), "latent_dim": 2, "batch_size": 150},
    "a million parameters": {"g_hidden": (704, 704), "d_hidden": (704, 704), "batch_size": 64},
}


def factor(iteration: int) -> float:
    """Return the factor of the schedule."""
    return float(0.999**iteration)


def make(way: str, **settings: Any) -> gw.GANTrainer:
    """Return a trainer that changes its rates in this `way`."""
    if way == "function":
        return gw.GANTrainer("ring8", lr_schedule=factor, **settings)
    trainer = gw.GANTrainer("ring8", **settings)
    if way == "callback":
        rate = trainer.settings.lr_g

        def follow(record: Mapping[str, float]) -> None:
            new = rate * factor(int(record["iteration"]))
            trainer.change(lr_g=new, lr_d=new)

        trainer.on_step(follow)
    return trainer


def timed(settings: Mapping[str, Any], steps: int, pairs: int, folder: Path | None) -> str:
    """Return the ratios of time, way by way, to the run without changes; each continues from its own state."""
    ways = ("callback", "function", "none")
    runs = {way: make(way, **settings, **({} if folder is None else {"run": folder / way})) for way in ways}
    ratios: dict[str, list[float]] = {way: [] for way in ways[:-1]}
    for turn in range(pairs + 1):
        spent = {}
        for way in ways if turn % 2 else reversed(ways):
            began = time.perf_counter()
            runs[way].step(steps)
            spent[way] = time.perf_counter() - began
        if turn:  # the first warms up
            for way, found in ratios.items():
                found.append(spent[way] / spent["none"])
    for run in runs.values():
        run.close()
    sizes = ""
    if folder is not None:
        stored = {
            way: sum(f.stat().st_size for f in (folder / way).rglob("*") if f.is_file()) for way in ways
        }
        sizes = "; on disk " + ", ".join(f"{way} {size / 2**20:.1f} MiB" for way, size in stored.items())
    return (
        ", ".join(
            f"{way} / none {statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"
            for way, found in ratios.items()
        )
        + sizes
    )


def held(settings: Mapping[str, Any], steps: int) -> str:
    """Return how many bytes a run holds after `steps` changes: Python's own, and the snapshots' tensors."""
    found = []
    for way in ("callback", "function", "none"):
        run = make(way, **settings)
        run.step(1)
        gc.collect()
        tracemalloc.start()
        run.step(steps)
        gc.collect()
        python = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        kept = sum(snapshot.size for snapshot in run._session.snapshots)
        found.append(f"{way} {python / 2**20:.1f} + {kept / 2**20:.1f} MiB")
    return ", ".join(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2000, help="of the small networks; a tenth of the large")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, settings in KINDS.items():
        steps = arguments.steps if name == "16 units" else max(arguments.steps // 10, 1)
        changes = steps * (arguments.pairs + 1)
        print(f"{name}, {changes:,} changes of both rates, one a step")
        print(f"  in memory: {timed(settings, steps, arguments.pairs, None)}")
        with tempfile.TemporaryDirectory() as folder:
            print(f"  in a folder: {timed(settings, steps, arguments.pairs, Path(folder))}")
        print(f"  held after {steps:,} steps, Python objects + snapshots: {held(settings, steps)}")


if __name__ == "__main__":
    main()
