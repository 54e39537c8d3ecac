"""Measure what time travel costs: going back, and keeping what it takes to go back.

Going back: to random iterations of a run of 10,000 with the default settings, from wherever the
last one was. Keeping: the time of training, snapshots kept, to that of a twin that keeps none, both in
turn, so that a change of the machine's speed meets both.

    python benchmarks/time_travel.py [--pairs 15] [--gotos 60]
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from step import convolutional

import ganwidgets as gw


def going_back(n: int) -> None:
    """Print how long `goto` takes in a run of 10,000 iterations."""
    trainer = gw.GANTrainer()
    trainer.step(10_000)
    chosen = random.Random(0)  # noqa: S311 - no secret
    times = []
    for _ in range(n):
        iteration = chosen.randint(0, 10_000)
        began = time.perf_counter()
        trainer.timeline.goto(iteration)
        times.append((time.perf_counter() - began) * 1e3)
        assert trainer.iteration == iteration
    print(
        f"goto to {n} random iterations of 10,000: median {statistics.median(times):.1f} ms "
        f"(min {min(times):.1f}, max {max(times):.1f}), {len(trainer.timeline.snapshots)} snapshots"
    )


def inert(trainer: gw.GANTrainer) -> gw.GANTrainer:
    """Return `trainer`, which keeps no snapshot from now on."""
    trainer._session.updates.rollback._keep = lambda _tree: None
    return trainer


def keeping(name: str, make: Callable[[], gw.GANTrainer], n: int, pairs: int, **budgets: int) -> None:
    """Print what keeping snapshots costs, as a share of training."""
    keeps, twin = make(), inert(make())
    for budget, value in budgets.items():
        setattr(keeps._session.snapshots, budget, value)
    ratios = []
    for trainer in (keeps, twin):
        trainer.step(n)
    for pair in range(pairs):
        spent: dict[Any, float] = {}
        for trainer in (keeps, twin) if pair % 2 else (twin, keeps):
            began = time.perf_counter()
            trainer.step(n)
            spent[trainer] = time.perf_counter() - began
        ratios.append(spent[keeps] / spent[twin])
    print(
        f"{name:44} snapshots cost {100 * (statistics.median(ratios) - 1):+.2f} % of training "
        f"(median of {pairs} pairs, quartiles "
        f"{' '.join(f'{100 * (q - 1):+.2f}' for q in statistics.quantiles(ratios, n=4)[::2])}), "
        f"{len(keeps.timeline.snapshots)} kept"
    )


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--gotos", type=int, default=60)
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    def mlp() -> gw.GANTrainer:
        return gw.GANTrainer("gaussians", g_hidden=(16, 16), d_hidden=(16, 16), latent_dim=2, batch_size=150)

    images = torch.rand(2_000, 1, 16, 16)

    def dcgan() -> gw.GANTrainer:
        generator, discriminator = convolutional()
        return gw.GANTrainer(
            images, generator=generator, discriminator=discriminator, latent_dim=64, batch_size=64
        )

    going_back(arguments.gotos)
    keeping("16 units, batch 150", mlp, 1000, arguments.pairs)
    keeping("the same, memory full", mlp, 1000, arguments.pairs, _memory_budget=400_000)
    keeping(
        "the same, memory and disk full",
        mlp,
        1000,
        arguments.pairs,
        _memory_budget=400_000,
        _disk_budget=1_000_000,
    )
    keeping("convolutional, 16x16, batch 64", dcgan, 100, arguments.pairs)
    keeping("the same, memory full", dcgan, 100, arguments.pairs, _memory_budget=0)


if __name__ == "__main__":
    main()
