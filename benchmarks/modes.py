"""Train on the ring of 8 and the grid of 25 clusters until all modes are found, with several methods and seeds.

For each run: modes found, share of samples of high quality (within three standard deviations of a
centre), and the reverse Kullback-Leibler divergence of the modes' shares from the data's, of 2500
samples of the generator at the end; and the processor seconds of the training, on one
thread, which a busy machine hardly changes. Beside them what perfect samples score (the floors),
and the published rows.

    python benchmarks/modes.py [--data ring8 grid25] [--methods ...] [--seeds 0 1 2] [--processes 1]
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import islice
from typing import Any, NamedTuple

from spread import add_processes, spread

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
    "ns_r1": Method(
        "non-saturating + R1, lr_d .002", {"penalty": "r1", "penalty_weight": 0.2, "lr_d": 2e-3}, 60
    ),
    "r3gan": Method(
        "R3GAN, lr_d .002",
        {"loss": "relativistic", "penalty": "r1_r2", "penalty_weight": 0.2, "lr_d": 2e-3},
        60,
    ),
    "wgan_gp": Method(
        "WGAN-GP, 5 D updates",
        {"loss": "wasserstein", "penalty": "gradient_penalty", "penalty_weight": 0.1, "d_steps": 5},
        150,
    ),
}

MODES = {"ring8": 8, "grid25": 25}

METHODS.update(
    {
        f"pac{m}": Method(f"non-saturating, packing {m} (PacGAN{m})", {"packing": m, "batch_size": 252})
        for m in (2, 3, 4)
    }
)
METHODS["unrolled5"] = Method("non-saturating, 5 unrolled steps", {"unroll_steps": 5})

PUBLISHED = """
Published rows, for context and not like for like: other networks, other batches and far longer training (PacGAN: 4 layers of
400 ReLU units with batch norm, D with maxout, 400,000 updates, batches of 100; VEEGAN: its own), data of the same shape in
other units; modes and high quality as here, with 2500 samples.

| data | method | modes | high quality | reverse KL | from |
|---|---|---|---|---|---|
| ring8 | GAN | 1 | 0.993 | | VEEGAN, table 1 |
| ring8 | unrolled GAN | 7.6 | 0.356 | | VEEGAN, table 1 |
| ring8 | VEEGAN | 8 | 0.529 | | VEEGAN, table 1 |
| ring8 | GAN | 6.3 | 0.982 | 0.45 | PacGAN, table 1 |
| ring8 | PacGAN2 / 3 / 4 | 7.9 / 7.8 / 7.8 | 0.956 / 0.977 / 0.959 | 0.07 / 0.10 / 0.07 | PacGAN, table 1 |
| grid25 | GAN | 3.3 | 0.005 | | VEEGAN, table 1 |
| grid25 | unrolled GAN | 23.6 | 0.16 | | VEEGAN, table 1 |
| grid25 | VEEGAN | 24.6 | 0.40 | | VEEGAN, table 1 |
| grid25 | GAN | 17.3 | 0.948 | 0.70 | PacGAN, table 1 |
| grid25 | PacGAN2 / 3 / 4 | 23.8 / 24.6 / 24.8 | 0.913 / 0.942 / 0.936 | 0.13 / 0.06 / 0.04 | PacGAN, table 1 |
"""


class Result(NamedTuple):
    """What one run came to."""

    modes: float
    high_quality: float
    reverse_kl: float
    seconds: float


def train(data: str, method: Method, seed: int, steps: int) -> Result:
    """Return what a run of `steps` full steps comes to."""
    settings = {**COMMON, "schedule_steps": steps, **method.settings}
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
    add_processes(parser)
    chosen = parser.parse_args()

    runs = [
        (data, METHODS[name], seed, chosen.steps)
        for data in chosen.data
        for name in chosen.methods
        for seed in chosen.seeds
    ]
    results = spread(train, runs, chosen.processes)
    print("| data | method | modes | high quality | reverse KL | CPU-s a run | target |")
    print("|---|---|---|---|---|---|---|")
    for data in chosen.data:
        floors(data)
        for name in chosen.methods:
            report(data, METHODS[name], list(islice(results, len(chosen.seeds))))
    print(PUBLISHED)


if __name__ == "__main__":
    main()
