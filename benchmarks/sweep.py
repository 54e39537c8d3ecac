"""Compare many runs at once with the same runs one after another, by the plainest loop that one would write.

The loop is the one of `step.py`: the same networks, loss, batch size and optimizer (`torch.optim.Adam` with
``fused=True``), on one thread, in processor time. Loop and lanes take turns, so that a change of the machine's speed meets
both. A figure is the median of the pairs, with the lowest and the highest. The plot shows what a step of all lanes costs, in steps of one
plain loop.

    python benchmarks/sweep.py [--pairs 7] [--parts lanes compiled images memory curves bounds]
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from step import by_hand
from torch.utils.flop_counter import FlopCounterMode

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


class CompiledRuns:
    """Runs that ask for compiled steps; compiling begins at once, in another process.

    Parameters
    ----------
    lanes : int
    **settings
    """

    def __init__(self, lanes: int, **settings: Any) -> None:
        self._lanes, self._settings = lanes, settings
        asked = {**settings, "stepper": "compiled"}
        self._runs: Any = gw.GANTrainer("ring8", **asked) if lanes == 1 else sweep_of(lanes, **asked)
        self._runs.step(1)

    def switched(self) -> Any:
        """Return the runs, after they have switched to the compiled step."""
        watched = self._runs if self._lanes == 1 else self._runs.runs[0]
        while not any(record.setting == "switch_stepper" for record in watched.interventions):
            self._runs.step(1)
            time.sleep(0.1)
        return self._runs

    def ratios(self, pairs: int, steps: int) -> list[float]:
        """Return, for each pair, the processor time of as many plain loops over that of these runs."""
        self.switched()
        trainer = gw.GANTrainer("ring8", **self._settings)
        loop = by_hand(
            trainer,
            trainer.real(10_000, seed=0),
            trainer.settings.latent_dim,
            self._settings["batch_size"],
        )
        loop(20)
        self._runs.step(20)
        return [
            self._lanes * worked(lambda: loop(steps)) / worked(lambda: self._runs.step(steps))
            for _ in range(pairs)
        ]


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


def compiled_cost(lanes: int, steps: int, **settings: Any) -> float:
    """Return what a compiled step of all lanes costs, in steps of one plain loop of the same size."""
    return lanes / statistics.median(CompiledRuns(lanes, **settings).ratios(3, steps))


def lanes_part(pairs: int) -> None:
    """Compare lanes with plain loops and with trainers."""
    said("9 lanes / nine plain loops", against_loops(9, pairs, 150, **SMALL), 4)
    said("64 lanes / 64 plain loops", against_loops(64, pairs, 60, **SMALL), 10)
    said("9 lanes / nine trainers", against_trainers(9, pairs, 150, "ring8", **SMALL), None)


def compiled_part(pairs: int) -> None:
    """Compare compiled runs with plain loops; all are compiled at the same time."""
    if compiler() is None:
        print("compiled: there is no C++ compiler")
        return
    wide = {"g_hidden": (128, 128), "d_hidden": (128, 128), "batch_size": 256}
    rows = [
        ("compiled: one run / one plain loop", CompiledRuns(1, **SMALL), 300, 3),
        ("compiled: 9 lanes / nine plain loops", CompiledRuns(9, **SMALL), 100, 9),
        ("compiled: 64 lanes / 64 plain loops", CompiledRuns(64, **SMALL), 40, 20),
        ("compiled: one run of 128 units, batch 256", CompiledRuns(1, **wide), 60, 1.2),
    ]
    for what, runs, steps, least in rows:
        said(what, runs.ratios(pairs, steps), least)


def images_part(pairs: int) -> None:
    """Compare DCGANs with trainers."""
    images = torch.rand(512, 16, 16, generator=torch.Generator().manual_seed(0))
    dcgan = {"architecture": "dcgan", "batch_size": 64, "channels": 32}
    said("DCGAN 16x16, batch 64: 4 lanes / four trainers", against_trainers(4, pairs, 4, images, **dcgan), 1)


def memory_part(pairs: int) -> None:  # noqa: ARG001 - all parts have one signature
    """Measure memory."""
    print(f"memory of 64 lanes with a history of 10,000 iterations: {memory(64, 10_000):.0f} MB, at most 300")


def curves_part(pairs: int) -> None:  # noqa: ARG001 - all parts have one signature
    """Print the cost by lanes, width and batch."""
    curve("Lanes (16 units, batch 150)", [(str(n), cost(n, 60, **SMALL)) for n in (1, 2, 4, 9, 16, 32, 64)])
    if compiler() is not None:
        points = [(str(n), compiled_cost(n, 60, **SMALL)) for n in (1, 4, 9, 16, 32, 64)]
        curve("Compiled lanes (16 units, batch 150)", points)
    widths = [(f"{w} units", {**SMALL, "g_hidden": (w, w), "d_hidden": (w, w)}) for w in (8, 16, 32, 64, 128)]
    curve("Width (9 lanes, batch 150)", [(label, cost(9, 30, **each)) for label, each in widths])
    batches = [(f"batch {n}", {**SMALL, "batch_size": n}) for n in (25, 50, 150, 400)]
    curve("Batch (9 lanes, 16 units)", [(label, cost(9, 40, **each)) for label, each in batches])


def products_rate() -> float:
    """Return the floating-point operations a second of the product of two large matrices."""
    a = torch.rand(768, 768)
    a @ a
    return 2 * 768**3 / min(worked(lambda: a @ a) for _ in range(9))


def operations(**settings: Any) -> float:
    """Return the floating-point operations of the products in a step of one plain loop."""
    trainer = gw.GANTrainer("ring8", **settings)
    loop = by_hand(trainer, trainer.real(1000, seed=0), trainer.settings.latent_dim, settings["batch_size"])
    with FlopCounterMode(display=False) as counter:
        loop(1)
    return counter.get_total_flops()


def profile_of(what: str, runs: Any, lanes: int, steps: int, **settings: Any) -> None:
    """Print which functions take the time of a step of all lanes."""
    runs.step(steps)
    step = worked(lambda: runs.step(steps)) / steps
    products = lanes * operations(**settings) / products_rate()
    print(
        f"\n{what}: {1e3 * step:.2f} ms a step. At the rate of large products, its products would take {products / step:.0%}"
    )
    print(
        "of that. The rest is elementwise arithmetic, random numbers, small products and calls. By function:"
    )
    profile = cProfile.Profile()
    profile.runcall(runs.step, steps)
    rows = sorted(pstats.Stats(profile).stats.items(), key=lambda row: -row[1][2])  # type: ignore[attr-defined]
    total = sum(row[1][2] for row in rows)
    for (file, _, name), (_, calls, own, *_) in rows[:7]:
        where = name if file == "~" else f"{Path(file).stem}.{name}"
        print(f"  {own / total:4.0%}  {where}, {calls / steps:.1f} calls a step")


def bounds_part(pairs: int) -> None:  # noqa: ARG001 - all parts have one signature
    """Print what bounds the lanes: where the time of a step goes."""
    for lanes, steps in ((9, 100), (64, 30)):
        profile_of(f"{lanes} lanes", sweep_of(lanes, **SMALL), lanes, steps, **SMALL)
    if compiler() is not None:
        for lanes, steps in ((1, 300), (64, 40)):
            runs = CompiledRuns(lanes, **SMALL).switched()
            profile_of(f"{lanes} compiled", runs, lanes, steps, **SMALL)


PARTS = {
    "lanes": lanes_part,
    "compiled": compiled_part,
    "images": images_part,
    "memory": memory_part,
    "curves": curves_part,
    "bounds": bounds_part,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, medians of {options.pairs} pairs\n", flush=True)
    for part in options.parts:
        PARTS[part](options.pairs)


if __name__ == "__main__":
    main()
