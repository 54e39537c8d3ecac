"""Train every architecture with every loss on real digits, and say how good the images became.

For each run: Frechet distance, precision, coverage and classes found, on the features of a classifier of the
digits (:mod:`ganwidgets.metrics`), of 2500 generated images of which 898 are compared with as many real ones;
and the processor seconds of the training, on one thread. Beside them what other real digits score (the
floors). With `--stacked` the same architectures on three digits in the channels of one image: how many of
the thousand numbers occur among 26,000 images, and the reverse Kullback-Leibler divergence of their shares.

    python benchmarks/image_quality.py [--quick] [--stacked] [--architectures mlp dcgan resnet] [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

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

SHOWN = ("frechet", "precision", "coverage", "modes", "reverse_kl")


def trained(data: str, settings: Mapping[str, Any], seed: int, steps: int) -> tuple[gw.GANTrainer, float]:
    """Return a trainer after so many steps, and the processor seconds that they took."""
    trainer = gw.GANTrainer(data, seed=seed, **settings)
    began = time.process_time()
    trainer.step(steps)
    return trainer, time.process_time() - began


def row(name: str, results: Sequence[Mapping[str, float]], seconds: Sequence[float] = ()) -> str:
    """Return a row of a table: the mean over seeds, and the range where there are several."""
    cells = []
    for figure in SHOWN:
        values = [result[figure] for result in results if figure in result]
        if not values:
            cells.append("-")
            continue
        form = ".0f" if figure == "modes" else ".2f" if figure == "frechet" else ".3f"
        spread = f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):{form}}{spread}")
    spent = f"{statistics.mean(seconds):.0f}" if seconds else ""
    return f"| {name} | {' | '.join(cells)} | {spent} |"


def heading(title: str) -> None:
    """Print the head of a table."""
    print(f"\n{title}\n")
    print("| | Frechet | precision | coverage | modes | reverse KL | CPU s |")
    print("|---|---|---|---|---|---|---|")


def digits(architectures: Sequence[str], seeds: Sequence[int], share: float) -> None:
    """Print a table for each architecture: every loss on the digits."""
    for architecture in architectures:
        steps, settings = ARCHITECTURES[architecture]
        steps = max(1, round(steps * share))
        heading(f"digits, {architecture}, {steps} steps, seeds {list(seeds)}")
        print(row("other real digits", [gw.GANTrainer("digits").floors()]), flush=True)
        for name, loss in LOSSES.items():
            runs = [trained("digits", {**COMMON, **settings, **loss}, seed, steps) for seed in seeds]
            figures = [trainer.evaluate() for trainer, _ in runs]
            print(row(name, figures, [spent for _, spent in runs]), flush=True)


def stacked(architectures: Sequence[str], seeds: Sequence[int], share: float) -> None:
    """Print a table for stacked digits: each architecture, plain and with the classic remedies for collapse."""
    remedies: dict[str, dict[str, Any]] = {
        "non-saturating": {},
        "packing 4": {"packing": 4},
        "unrolled 3": {"unroll_steps": 3},
        "R1": LOSSES["non-saturating + R1"],
        "R3GAN": LOSSES["R3GAN"],
    }
    n = round(26_000 * min(1.0, 4 * share))
    heading(f"stacked digits, {n} generated images, seeds {list(seeds)}")
    print(row("real stacked digits", [gw.GANTrainer("stacked_digits").floors(n)]), flush=True)
    for architecture in architectures:
        steps, settings = ARCHITECTURES[architecture]
        steps = max(1, round(2 * steps * share))
        for name, remedy in remedies.items():
            runs = [
                trained("stacked_digits", {**COMMON, **settings, **remedy}, seed, steps) for seed in seeds
            ]
            figures = [trainer.evaluate(n) for trainer, _ in runs]
            label = f"{architecture}, {steps} steps, {name}"
            print(row(label, figures, [spent for _, spent in runs]), flush=True)


def main() -> None:
    """Train, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architectures", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--stacked", action="store_true", help="stacked digits instead of digits")
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps, one seed: minutes")
    options = parser.parse_args()
    seeds, share = (options.seeds[:1], 0.1) if options.quick else (options.seeds, 1.0)
    (stacked if options.stacked else digits)(options.architectures, seeds, share)


if __name__ == "__main__":
    main()
