"""Train every architecture with every loss on real digits, and say how good the images became.

For each run: Frechet distance, precision, coverage and classes found, on the features of a classifier of the
digits (:mod:`ganwidgets.metrics`), of 2500 generated images, 898 of them compared with as many real ones;
and the processor seconds of the training, on one thread. Beside them what other real digits score (the
floors). With `--stacked` the same architectures on three digits in the channels of one image: how many of
the thousand numbers occur among 26,000 images, and the reverse Kullback-Leibler divergence of their shares.

    python benchmarks/image_quality.py [--quick] [--stacked] [--architectures mlp dcgan resnet] [--seeds 0 1 2]
        [--processes 1]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from spread import add_processes, spread

import ganwidgets as gw

COMMON: dict[str, Any] = {"batch_size": 64, "beta1": 0.5, "beta2": 0.99, "latent_dim": 32, "ema_decay": 0.0}

ARCHITECTURES: Mapping[str, tuple[int, dict[str, Any]]] = {
    "mlp": (
        4000,
        {"architecture": "mlp", "g_hidden": (256, 256), "d_hidden": (256, 256), "lr_g": 5e-4, "lr_d": 5e-4},
    ),
    "dcgan": (1000, {"architecture": "dcgan", "channels": 24, "lr_g": 5e-4, "lr_d": 5e-4}),
    "resnet": (600, {"architecture": "resnet", "channels": 24, "lr_g": 5e-4, "lr_d": 5e-4}),
}
"""Steps, and settings, of each architecture."""

LOSSES: Mapping[str, dict[str, Any]] = {
    "minimax + R1": {"loss": "minimax", "penalty": "r1", "penalty_weight": 1.0},
    "non-saturating": {"loss": "non_saturating"},
    "non-saturating + R1": {"loss": "non_saturating", "penalty": "r1", "penalty_weight": 1.0},
    "least squares + R1": {"loss": "least_squares", "penalty": "r1", "penalty_weight": 1.0},
    "hinge + R1": {"loss": "hinge", "penalty": "r1", "penalty_weight": 1.0},
    "WGAN-GP": {"loss": "wasserstein", "penalty": "gradient_penalty", "penalty_weight": 10.0},
    "R3GAN": {"loss": "relativistic", "penalty": "r1_r2", "penalty_weight": 1.0},
}


class Result(NamedTuple):
    """What one run came to, and the processor seconds of its training."""

    figures: Mapping[str, float]
    seconds: float | None = None


SHOWN = ("frechet", "precision", "coverage", "modes", "reverse_kl")


def train(data: str, settings: Mapping[str, Any], seed: int, steps: int, n: int | None) -> Result:
    """Return what a run of `steps` full steps comes to, by `n` generated images where a number is given."""
    trainer = gw.GANTrainer(data, seed=seed, **settings)
    began = time.process_time()
    trainer.step(steps)
    spent = time.process_time() - began
    return Result(trainer.evaluate() if n is None else trainer.evaluate(n), spent)


def row(name: str, results: Sequence[Result]) -> str:
    """Return a row of a table: the mean over seeds, and the range where there are several."""
    cells = []
    for figure in SHOWN:
        values = [result.figures[figure] for result in results if figure in result.figures]
        if not values:
            cells.append("-")
            continue
        form = ".0f" if figure == "modes" else ".2f" if figure == "frechet" else ".3f"
        spread = f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):{form}}{spread}")
    seconds = [result.seconds for result in results if result.seconds is not None]
    spent = f"{statistics.mean(seconds):.0f}" if seconds else ""
    return f"| {name} | {' | '.join(cells)} | {spent} |"


def heading(title: str) -> None:
    """Print the head of a table."""
    print(f"\n{title}\n")
    print("| | Frechet | precision | coverage | modes | reverse KL | CPU s |")
    print("|---|---|---|---|---|---|---|")


def digits(architectures: Sequence[str], seeds: Sequence[int], share: float, processes: int) -> None:
    """Print a table for each architecture: every loss on the digits."""
    runs: list[tuple[Any, ...]] = []
    for architecture in architectures:
        steps, settings = ARCHITECTURES[architecture]
        for loss in LOSSES.values():
            values = {**COMMON, **settings, **loss}
            runs += [("digits", values, seed, max(1, round(steps * share)), None) for seed in seeds]
    results = spread(train, runs, processes)
    for architecture in architectures:
        steps = max(1, round(ARCHITECTURES[architecture][0] * share))
        heading(f"digits, {architecture}, {steps} steps, seeds {list(seeds)}")
        print(row("other real digits", [Result(gw.GANTrainer("digits").floors())]), flush=True)
        for name in LOSSES:
            print(row(name, list(islice(results, len(seeds)))), flush=True)


REMEDIES: Mapping[str, dict[str, Any]] = {
    "non-saturating": {},
    "packing 4": {"packing": 4},
    "unrolled 3": {"unroll_steps": 3},
    "R1": LOSSES["non-saturating + R1"],
    "R3GAN": LOSSES["R3GAN"],
}
"""Against collapse, the classic ones first."""


def stacked(architectures: Sequence[str], seeds: Sequence[int], share: float, processes: int) -> None:
    """Print a table for stacked digits: each architecture, plain and with remedies for collapse."""
    n = round(26_000 * min(1.0, 4 * share))
    runs: list[tuple[Any, ...]] = []
    labels = []
    for architecture in architectures:
        steps, settings = ARCHITECTURES[architecture]
        steps = max(1, round(2 * steps * share))
        for name, remedy in REMEDIES.items():
            labels.append(f"{architecture}, {steps} steps, {name}")
            values = {**COMMON, **settings, **remedy}
            runs += [("stacked_digits", values, seed, steps, n) for seed in seeds]
    results = spread(train, runs, processes)
    heading(f"stacked digits, {n} generated images, seeds {list(seeds)}")
    print(row("real stacked digits", [Result(gw.GANTrainer("stacked_digits").floors(n))]), flush=True)
    for label in labels:
        print(row(label, list(islice(results, len(seeds)))), flush=True)


def main() -> None:
    """Train, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architectures", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--stacked", action="store_true", help="stacked digits instead of digits")
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps, one seed: minutes")
    add_processes(parser)
    options = parser.parse_args()
    seeds, share = (options.seeds[:1], 0.1) if options.quick else (options.seeds, 1.0)
    (stacked if options.stacked else digits)(options.architectures, seeds, share, options.processes)


if __name__ == "__main__":
    main()
