"""Compare many runs at once with the same runs one after another, by the plainest loop that one would write.

The loop is the one of `step.py`: the same networks, loss, batch size and optimizer (`torch.optim.Adam` with
``fused=True``), on one thread, in processor time. Loop and lanes take turns, so that a change of the machine's speed meets
both. A figure is the median of the pairs, with the lowest and the highest. The plot shows what a step of all lanes costs, in steps of one
plain loop.

    python benchmarks/sweep.py [--pairs 7]
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from step import by_hand

import ganwidgets as gw
from ganwidgets.stepping.compiled.programs import compiler

SMALL = {"g_hidden": (16, 16), "d_hidden": (16, 16), "batch_size": 150}


def worked(function: Callable[[], Any]) -> float:
    """Return the seconds of processor time that a call takes."""
    began = time.process_time()
    function()
    return time.process_time() - began


def sweep_of(lanes: int, data: Any = "ring8", **settings: Any) -> gw.Sweep:
    """Return a sweep of so many runs with different learning rates of D."""
    rates = [1e-3 * (1 + lane % 8) for lane in range(lanes)]
    return gw.Sweep(data, configurations=[{"lr_d": r, "seed": i} for i, r in enumerate(rates)], **settings)


def against_loops(lanes: int, pairs: int, steps: int, **settings: Any) -> list[float]:
    """Return, for each pair, the processor time of `lanes` plain loops over that of the sweep."""
    trainer = gw.GANTrainer("ring8", **settings)
    loop = by_hand(trainer, trainer.real(10_000, seed=0), trainer.settings.latent_dim, settings["batch_size"])
    sweep = sweep_of(lanes, **settings)
    loop(20)
    sweep.step(20)
    return [lanes * worked(lambda: loop(steps)) / worked(lambda: sweep.step(steps)) for _ in range(pairs)]


def compiled(lanes: int, pairs: int, steps: int, **settings: Any) -> list[float]:
    """Return, for each pair, the processor time of `lanes` plain loops over that of as many compiled runs."""
    trainer = gw.GANTrainer("ring8", **settings)
    loop = by_hand(trainer, trainer.real(10_000, seed=0), trainer.settings.latent_dim, settings["batch_size"])
    asked = {**settings, "stepper": "compiled"}
    runs: Any = gw.GANTrainer("ring8", **asked) if lanes == 1 else sweep_of(lanes, **asked)
    watched = runs if lanes == 1 else runs.runs[0]
    while not any(record.setting == "switch_stepper" for record in watched.interventions):
        runs.step(1)
        time.sleep(0.1)
    loop(20)
    return [lanes * worked(lambda: loop(steps)) / worked(lambda: runs.step(steps)) for _ in range(pairs)]


def against_trainers(lanes: int, pairs: int, steps: int, data: Any, **settings: Any) -> list[float]:
    """Return, for each pair, the processor time of `lanes` trainers over that of the sweep."""
    trainer, sweep = gw.GANTrainer(data, **settings), sweep_of(lanes, data, **settings)
    trainer.step(2)
    sweep.step(2)
    print(f"    computed together: {sweep.groups[0][1] or 'yes'}")
    return [
        lanes * worked(lambda: trainer.step(steps)) / worked(lambda: sweep.step(steps)) for _ in range(pairs)
    ]


def said(what: str, figures: list[float], least: float | None) -> None:
    """Print one line of the table."""
    median = statistics.median(figures)
    target = (
        "" if least is None else f", at least {least:g}: {'reached' if median >= least else 'not reached'}"
    )
    print(f"{what:<58} {median:6.2f} ({min(figures):.2f} to {max(figures):.2f}){target}", flush=True)


def resident() -> float:
    """Return the megabytes of memory that this process holds; Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def memory(lanes: int, iterations: int) -> float:
    """Return the megabytes that a sweep with a history of so many iterations takes."""
    gw.GANTrainer("ring8", **SMALL).step(5)
    gc.collect()
    before = resident()
    sweep = sweep_of(lanes, **{**SMALL, "batch_size": 10})
    sweep.step(iterations)
    return resident() - before


def curve(what: str, points: list[tuple[str, float]]) -> None:
    """Print costs as bars."""
    print(f"\n{what}, in steps of one plain loop")
    widest = max(cost for _, cost in points)
    for label, cost in points:
        print(f"  {label:>12} {'#' * max(1, round(46 * cost / widest))} {cost:.2f}", flush=True)


def cost(lanes: int, steps: int, **settings: Any) -> float:
    """Return what a step of all lanes costs, in steps of one plain loop of the same size."""
    return lanes / statistics.median(against_loops(lanes, 3, steps, **settings))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    pairs = parser.parse_args().pairs
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, medians of {pairs} pairs\n")
    said("9 lanes / nine plain loops", against_loops(9, pairs, 150, **SMALL), 4)
    said("64 lanes / 64 plain loops", against_loops(64, pairs, 60, **SMALL), 10)
    said("9 lanes / nine trainers", against_trainers(9, pairs, 150, "ring8", **SMALL), None)
    if compiler() is not None:
        said("compiled: one run / one plain loop", compiled(1, pairs, 300, **SMALL), 3)
        said("compiled: 9 lanes / nine plain loops", compiled(9, pairs, 100, **SMALL), 9)
        said("compiled: 64 lanes / 64 plain loops", compiled(64, pairs, 40, **SMALL), 20)
        wide = {"g_hidden": (128, 128), "d_hidden": (128, 128), "batch_size": 256}
        said("compiled: one run of 128 units, batch 256", compiled(1, pairs, 60, **wide), 1.2)
    images = torch.rand(512, 16, 16, generator=torch.Generator().manual_seed(0))
    dcgan = {"architecture": "dcgan", "batch_size": 64, "channels": 32}
    said("DCGAN 16x16, batch 64: 4 lanes / four trainers", against_trainers(4, 3, 4, images, **dcgan), 1)
    print(f"memory of 64 lanes with a history of 10,000 iterations: {memory(64, 10_000):.0f} MB, at most 300")
    curve("Lanes (16 units, batch 150)", [(str(n), cost(n, 60, **SMALL)) for n in (1, 2, 4, 9, 16, 32, 64)])
    widths = [(f"{w} units", {**SMALL, "g_hidden": (w, w), "d_hidden": (w, w)}) for w in (8, 16, 32, 64, 128)]
    curve("Width (9 lanes, batch 150)", [(label, cost(9, 30, **each)) for label, each in widths])
    batches = [(f"batch {n}", {**SMALL, "batch_size": n}) for n in (25, 50, 150, 400)]
    curve("Batch (9 lanes, 16 units)", [(label, cost(9, 40, **each)) for label, each in batches])
    print(
        "\nWhat bounds it: few lanes pay for calls of PyTorch, about 60 operators a step, as one run does. From about 16"
        "\nlanes on, arithmetic on samples x units x lanes does: products, activations and their gradients."
    )


if __name__ == "__main__":
    main()
