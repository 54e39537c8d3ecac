"""Train on the ring of 8 and the grid of 25 clusters until all modes are found, with several methods and seeds.

For each run: modes found, share of samples of high quality (within three standard deviations of a
centre), and the reverse Kullback-Leibler divergence of the modes' shares from the data's, of 2500
samples of the generator as it stands at the end; and the processor seconds of the training, on one
thread, which a busy machine hardly changes. Beside them what perfect samples score (the floors),
and the published rows.

    python benchmarks/modes.py [--data ring8 grid25] [--methods ...] [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any, NamedTuple

import ganwidgets as gw

STEPS = 6000

COMMON: dict[str, Any] = {
    "g_hidden": (128, 128, 128),
    "d_hidden": (128, 128, 128),
    "activation": "relu",
    "latent_dim": 2,
    "batch_size": 256,
    "lr_d": 1e-3,
    "lr_g": 1e-3,
    "beta1": 0.5,
    "beta2": 0.9,
    "lr_schedule": "linear",
    "schedule_steps": STEPS,
}
"""What all methods share: Adam, both learning rates falling in a straight line to zero."""


class Method(NamedTuple):
    """One way to train."""

    label: str
    settings: dict[str, Any]
    seconds: float | None = None
    """Processor seconds within which it must find all modes at a divergence of at most .05."""


METHODS = {
    "ns": Method("non-saturating", {}),
    "ns_r1": Method("non-saturating + R1", {"penalty": "r1", "penalty_weight": 0.02}, 60),
    "r3gan": Method("R3GAN", {"loss": "relativistic", "penalty": "r1_r2", "penalty_weight": 0.05}, 60),
    "wgan_gp": Method(
        "WGAN-GP, 5 D updates",
        {"loss": "wasserstein", "penalty": "gradient_penalty", "penalty_weight": 0.1, "d_steps": 5},
        150,
    ),
}

MODES = {"ring8": 8, "grid25": 25}


class Result(NamedTuple):
    """What one run came to."""

    modes: float
    high_quality: float
    reverse_kl: float
    seconds: float


def train(data: str, method: Method, seed: int, steps: int, **more: Any) -> Result:
    """Return what a run of `steps` full steps comes to."""
    settings = {**COMMON, "schedule_steps": steps, **method.settings, **more}
    trainer = gw.GANTrainer(data, seed=seed, **settings)
    began = time.process_time()
    trainer.step(steps)
    spent = time.process_time() - began
    figures = trainer.evaluate(2500)
    return Result(figures["modes"], figures["high_quality"], figures["reverse_kl"], spent)


def report(data: str, method: Method, results: list[Result]) -> None:
    """Print a row."""
    found = ", ".join(f"{r.modes:.0f}" for r in results)
    quality = ", ".join(f"{r.high_quality:.3f}" for r in results)
    divergence = ", ".join(f"{r.reverse_kl:.4f}" for r in results)
    seconds = statistics.mean(r.seconds for r in results)
    verdict = ""
    if method.seconds is not None:
        good = [
            r.modes == MODES[data] and r.reverse_kl <= 0.05 and r.seconds < method.seconds for r in results
        ]
        verdict = f"reached by {sum(good)} of {len(good)}"
    print(
        f"| {data} | {method.label} | {found} | {quality} | {divergence} | {seconds:.0f} | {verdict} |",
        flush=True,
    )


def floors(data: str) -> None:
    """Print what perfect samples score."""
    trainer = gw.GANTrainer(data)
    results = []
    for seed in range(3):
        perfect = trainer.floors(2500, seed)
        results.append(Result(perfect["modes"], perfect["high_quality"], perfect["reverse_kl"], 0.0))
    report(data, Method("perfect samples", {}), results)


def main() -> None:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=STEPS)
    chosen = parser.parse_args()

    print("| data | method | modes | high quality | reverse KL | CPU-s a run | target |")
    print("|---|---|---|---|---|---|---|")
    for data in chosen.data:
        floors(data)
        for name in chosen.methods:
            report(data, METHODS[name], [train(data, METHODS[name], s, chosen.steps) for s in chosen.seeds])


if __name__ == "__main__":
    main()
