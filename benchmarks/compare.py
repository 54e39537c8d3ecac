"""How long it takes to open many stored runs beside each other, and to look again after some went on.

``python benchmarks/compare.py`` makes 50 run folders of 10,000 iterations each, whose numbers are made up and whose
states are those of a small network, and compares them. ``--runs`` and ``--iterations`` choose others.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import ganwidgets as gw

REPEATS = 5


def make(folder: Path, runs: int, iterations: int) -> list[gw.GANTrainer]:
    """Store runs in `folder`: all the numbers of `iterations` steps, without the time that these would take."""
    draws = np.random.default_rng(0)
    trainers = []
    for number in range(runs):
        trainer = gw.GANTrainer(
            "ring8",
            seed=number % 5,
            lr_d=10.0 ** -(2 + number // 5 % 5),
            g_hidden=(8,),
            d_hidden=(8,),
            run=folder / f"run-{number}",
        )
        session = trainer._session
        trainer.step(1)
        for row in draws.normal(size=(iterations - 1, 7)).tolist():
            names = (
                "loss_d",
                "loss_g",
                "grad_norm_d",
                "grad_norm_g",
                "accuracy_real",
                "accuracy_fake",
                "penalty_d",
            )
            session.history.append(dict(zip(names, row, strict=True)), 1e-3, 150.0 * session.history.rows)
        session.state.iteration = iterations
        session.autosave.save()
        trainers.append(trainer)
    return trainers


def timed(function: object) -> tuple[float, object]:
    """Return the seconds that `function` took, and what it returned."""
    began = time.perf_counter()
    result = function()  # type: ignore[operator]
    return time.perf_counter() - began, result


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=50)
    arguments.add_argument("--iterations", type=int, default=10_000)
    asked = arguments.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        trainers = make(folder, asked.runs, asked.iterations)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
        print(f"{asked.runs} runs of {asked.iterations} iterations, {size:.0f} MiB")
        opened = [timed(lambda: gw.compare(folder / "*")) for _ in range(REPEATS)]
        print(f"open                    {statistics.median(each[0] for each in opened):.2f} s")
        comparison = opened[-1][1]
        assert isinstance(comparison, gw.Comparison)
        print(f"settings()              {timed(comparison.settings)[0]:.2f} s")
        print(f"to_frame()              {timed(comparison.to_frame)[0]:.2f} s")
        print(f"curves('loss_d')        {timed(lambda: comparison.curves('loss_d'))[0]:.2f} s")
        print(f"shown as a page         {timed(comparison._repr_html_)[0]:.2f} s")
        for trainer in trainers[:2]:
            trainer._session.settings.lr_g = 1e-3
            trainer._session.autosave.save()
        print(
            f"looked at again         {timed(lambda: comparison.runs)[0]:.2f} s, two of them having gone on"
        )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
