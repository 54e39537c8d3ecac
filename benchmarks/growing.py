"""Compare networks for images under the same budget of processor time: DCGAN, progressive, MSG-GAN, R3GAN.

Each is trained with the settings that are recommended for it, on digits at 32x32, with three seeds. The figure is the
Frechet distance of the moving average's samples (of the generator itself for DCGAN, whose recommended settings keep
no average) on the named features, of 2500 samples; the floor is that of real samples. A run's number of steps is
planned from timed steps, so the processor seconds that a run took are printed too.

    python benchmarks/growing.py [--seconds 60] [--seeds 3] [--architectures dcgan progressive msg r3gan]
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

import ganwidgets as gw

PLAIN = "digits_32"

PHASES = {0.0: 1, 0.5: 1, 1.0: 1, 1.5: 1, 2.0: 1, 2.5: 1, 3.0: 2}
"""Share of the steps that progressive networks spend at each level, fading in at the halves; the last twice as long."""

TIMED = 16
"""Steps that are timed to plan a run."""


def settings_of(architecture: str, steps: int) -> dict[str, object]:
    """Return the settings of one run; schedules end with the budget."""
    settings = gw.recommended(PLAIN if architecture == "dcgan" else architecture)
    if settings.get("lr_schedule", "constant") != "constant":
        settings["schedule_steps"] = steps
    if architecture == "progressive":
        settings["growth_samples"] = max(steps * settings["batch_size"] // sum(PHASES.values()), 1)
    return settings


def steps_in(architecture: str, seconds: float) -> int:
    """Return the number of steps that take `seconds` of processor time.

    The steps of progressive networks cost more with each level, so each of the phases is timed.
    """
    phases: dict[float | None, int] = PHASES if architecture == "progressive" else {None: 1}
    planned = sum(share * seconds_of_step(architecture, level) for level, share in phases.items())
    return max(int(seconds / planned * sum(phases.values())), 1)


def seconds_of_step(architecture: str, level: float | None) -> float:
    """Return the processor time of a step at a level of progressive networks, or of others."""
    settings = settings_of(architecture, 1000)
    if level is not None:
        settings |= {"growth_level": level, "growth_samples": 0}
    trainer = gw.GANTrainer(PLAIN, **settings)
    trainer.step(3)
    began = time.process_time()
    trainer.step(TIMED)
    return (time.process_time() - began) / TIMED


def main() -> None:
    """Print one row for each architecture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--architectures", nargs="+", default=["dcgan", "progressive", "msg", "r3gan"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| network | parameters of G, D | steps | processor s | Frechet distance by seed | median | floor |"
    )
    print("|---|---|---|---|---|---|---|")
    for architecture in arguments.architectures:
        steps = steps_in(architecture, arguments.seconds)
        distances, seconds = [], []
        for seed in range(arguments.seeds):
            trainer = gw.GANTrainer(PLAIN, seed=seed, **settings_of(architecture, steps))
            began = time.process_time()
            trainer.step(steps)
            seconds.append(time.process_time() - began)
            if trainer.settings.ema_decay:
                trainer.generator.load_state_dict(
                    trainer._session.run.state.averages["generator"].state_dict()
                )
            distances.append(trainer.evaluate()["frechet"])
        sizes = [
            sum(p.numel() for p in network.parameters())
            for network in (trainer.generator, trainer.discriminator)
        ]
        print(
            f"| {architecture} | {sizes[0]}, {sizes[1]} | {trainer.iteration} | {statistics.median(seconds):.0f} | "
            f"{', '.join(f'{d:.2f}' for d in distances)} | {statistics.median(distances):.2f} | "
            f"{trainer.floors()['frechet']:.2f} |",
            flush=True,
        )
    print(f"features: the digits' classifier; torch {torch.__version__}, 1 thread")


if __name__ == "__main__":
    main()
