"""Whether rules help: troubled and healthy settings, untouched, under rules, under a learned controller, and as populations.

Quality decides, never a signal that a rule holds: a run is good if its sliced Wasserstein distance after the last step is
at most six times that of perfect samples, and all clusters that are known receive at least a hundredth of the samples.
A healthy run is harmed if it is good untouched and not good under rules. A run that goes back does not get more steps. Usage::

    python benchmarks/rules.py record --seeds 20 21 22    # finished runs are kept, so it can be interrupted
    python benchmarks/rules.py score
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import ganwidgets as gw

STEPS, POPULATION = 1200, 6

ARMS = ("untouched", "rules", "learned", "evolved", "searched", "repeated")
"""A run as it is; under the built-in rules; under the learned controller; the best of `POPULATION` runs at the end.

Three arms train `POPULATION` runs, which is an equal budget. ``evolved`` and ``searched`` begin with the same runs: one as it
is, the others with learning rates up to 100 times off. Only ``evolved`` selects and varies them (`Sweep.evolve`).
``repeated`` trains the setting as it is under `POPULATION` seeds.
"""

TROUBLED: Mapping[str, Mapping[str, Any]] = {
    "D far too fast": {"data": "ring8", "lr_d": 0.05, "lr_g": 5e-4},
    "D fast, five updates": {"data": "ring8", "lr_d": 0.02, "lr_g": 2e-5, "d_steps": 5},
    "minimax, D fast": {"data": "ring8", "loss": "minimax", "lr_d": 1e-2, "lr_g": 1e-4, "d_steps": 5},
    "minimax, two clusters": {"data": "gaussians", "loss": "minimax", "lr_d": 2e-2, "lr_g": 1e-4, "d_steps": 3},
    "D frozen": {"data": "gaussians", "freeze_d": True, "lr_g": 1e-3},
    "D far too slow": {"data": "ring8", "lr_d": 1e-5, "lr_g": 2e-3},
    "D far too slow, moons": {"data": "moons", "lr_d": 2e-5, "lr_g": 2e-3},
    "both far too slow": {"data": "ring8", "lr_d": 1e-6, "lr_g": 1e-6},
    "both far too slow, line": {"data": "line", "lr_d": 2e-6, "lr_g": 2e-6},
    "G far too slow": {"data": "gaussians", "lr_d": 1e-3, "lr_g": 1e-6},
    "many G updates": {"data": "ring8", "g_steps": 15, "lr_g": 5e-3},
    "G far too fast": {"data": "ring8", "lr_g": 0.05},
    "G far too fast, two clusters": {"data": "gaussians", "lr_g": 0.1},
    "momentum": {"data": "gaussians", "beta1": 0.9, "lr_d": 5e-3, "lr_g": 5e-3},
    "momentum, ring": {"data": "ring8", "beta1": 0.9, "lr_d": 1e-2, "lr_g": 1e-2},
    "momentum, least squares": {"data": "gaussians", "loss": "least_squares", "beta1": 0.9, "lr_d": 5e-3, "lr_g": 5e-3},
    "WGAN without a bound": {"data": "gaussians", "loss": "wasserstein", "lr_d": 2e-2, "lr_g": 2e-2},
    "WGAN, SGD, far too fast": {
        "data": "gaussians", "loss": "wasserstein", "optimizer_d": "sgd", "optimizer_g": "sgd", "lr_d": 1.0, "lr_g": 1.0,
    },
    "hinge, great steps": {"data": "ring8", "loss": "hinge", "lr_d": 0.3, "lr_g": 0.3},
    "great penalty": {"data": "ring8", "penalty": "r1", "penalty_weight": 300.0, "lr_d": 1e-4, "lr_g": 2e-3},
}  # fmt: skip

HEALTHY: Mapping[str, Mapping[str, Any]] = {
    "two clusters": {"data": "gaussians", **gw.recommended("gaussians")},
    "defaults": {"data": "gaussians"},
    "moons": {"data": "moons", **gw.recommended("moons")},
    "line": {"data": "line", **gw.recommended("line")},
    "ring8, relativistic": {
        "data": "ring8", "loss": "relativistic", "penalty": "r1_r2", "penalty_weight": 0.1, "lr_g": 1e-3, "lr_d": 1e-3,
    },
    "WGAN-GP": {
        "data": "gaussians", "loss": "wasserstein", "penalty": "gradient_penalty", "d_steps": 2, "lr_g": 1e-3,
    },
}  # fmt: skip


FLOORS: dict[str, float] = {}
"""Sliced Wasserstein distance of perfect samples, by the name of the data."""


def good(trainer: gw.GANTrainer) -> bool:
    """Return whether the samples are like the data."""
    data = str(trainer.settings.data)
    if data not in FLOORS:
        FLOORS[data] = trainer.floors()["sliced_wasserstein"]
    if not trainer.evaluate()["sliced_wasserstein"] <= 6 * FLOORS[data]:
        return False
    modes = trainer.source.modes
    if modes is None:
        return True
    nearest = torch.cdist(trainer.sample(2500, 0), modes.centers).argmin(dim=1)
    counts = torch.bincount(nearest, minlength=len(modes.centers))
    return bool((counts >= 25).all())


def run(settings: Mapping[str, Any], seed: int, arm: str) -> dict[str, Any]:
    """Return how a run ends."""
    rest = dict(settings)
    data = rest.pop("data")
    if arm in POPULATIONS:
        return best_of(POPULATIONS[arm](data, rest, seed))
    trainer = gw.GANTrainer(data, seed=seed, **rest)
    rules = {"untouched": None, "rules": gw.built_in_rules, "learned": gw.learned_rules}[arm]
    pilot = None if rules is None else trainer.autopilot(rules())
    stopped = False
    try:
        trainer.step(STEPS)
    except gw.DivergedError:
        stopped = True
    fired = [] if pilot is None else [[f.iteration, f.rule] for f in pilot.firings]
    return {"good": good(trainer), "stopped": stopped, "iteration": trainer.iteration, "fired": fired}


def best_of(sweep: gw.Sweep) -> dict[str, Any]:
    """Return how the best run of a population ends, by its distance from the data after the last step."""
    fired = [[act.iterations[0], act.action] for act in sweep.acts]
    ended = {"iteration": sweep.iteration, "fired": fired}
    if all(run.status != "running" for run in sweep.runs):
        return {"good": False, "stopped": True, **ended}
    return {"good": good(sweep.best("sliced_wasserstein")), "stopped": False, **ended}


def advanced(sweep: gw.Sweep, steps: Callable[[], object]) -> gw.Sweep:
    """Return `sweep` after `steps`, or as far as it came until every run had diverged."""
    with contextlib.suppress(RuntimeError):
        steps()
    return sweep


def drawn(data: str, settings: Mapping[str, Any], seed: int) -> gw.Sweep:
    """Return a population: one run as it is, the others with both learning rates drawn up to 100 times off."""
    draws = random.Random(seed)  # noqa: S311 - it chooses settings
    rates = {name: settings.get(name, gw.Settings().as_dict()[name]) for name in ("lr_d", "lr_g")}
    lanes = [{**settings}]
    for _ in range(POPULATION - 1):
        found = {name: min(rate * 10 ** draws.uniform(-2, 2), 1.0) for name, rate in rates.items()}
        lanes.append({**settings, **found})
    return gw.Sweep(data, configurations=lanes, seeds=[seed])


def evolved(data: str, settings: Mapping[str, Any], seed: int) -> gw.Sweep:
    """Return a drawn population after population-based training."""
    sweep = drawn(data, settings, seed)
    return advanced(sweep, lambda: sweep.evolve(STEPS, every=100, factors=(0.5, 2.0), seed=seed))


def searched(data: str, settings: Mapping[str, Any], seed: int) -> gw.Sweep:
    """Return the same population as `evolved`, each run trained as it began: random search."""
    sweep = drawn(data, settings, seed)
    return advanced(sweep, lambda: sweep.step(STEPS))


def repeated(data: str, settings: Mapping[str, Any], seed: int) -> gw.Sweep:
    """Return runs that differ by their seeds only."""
    seeds = [seed, *(1000 * seed + number for number in range(1, POPULATION))]
    sweep = gw.Sweep(data, configurations=[{**settings}], seeds=seeds)
    return advanced(sweep, lambda: sweep.step(STEPS))


POPULATIONS: Mapping[str, Callable[[str, Mapping[str, Any], int], gw.Sweep]] = {
    "evolved": evolved,
    "searched": searched,
    "repeated": repeated,
}
"""For each arm of several runs: how they are trained."""


def score(folder: Path, seeds: Sequence[int], cases: Sequence[str], arms: Sequence[str]) -> str:
    """Return the table of the recorded runs among these seeds, cases and arms."""
    runs = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    by_key = {
        (r["case"], r["seed"], r["arm"]): r["good"] for r in runs if r["seed"] in seeds and r["case"] in cases
    }
    lines = [f"| setting | {' | '.join(arms)} |", "|---" * (len(arms) + 1) + "|"]
    for name in cases:
        cells = []
        for arm in arms:
            known = [by_key[name, seed, arm] for seed in seeds if (name, seed, arm) in by_key]
            cells.append(f"{sum(known)} of {len(known)}" if known else "-")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    treated = [arm for arm in arms if arm != "untouched"]
    rescued, harmed = [], []
    for arm in treated:
        both = [key for key in by_key if key[2] == "untouched" and (*key[:2], arm) in by_key]
        ill = [by_key[*key[:2], arm] for key in both if key[0] in TROUBLED and not by_key[key]]
        well = [by_key[*key[:2], arm] for key in both if key[0] in HEALTHY and by_key[key]]
        rescued.append(f"{sum(ill)} of {len(ill)} ({sum(ill) / max(len(ill), 1):.0%})")
        lost = len(well) - sum(well)
        harmed.append(f"{lost} of {len(well)} ({lost / max(len(well), 1):.0%})")
    lines += ["", "| | " + " | ".join(treated) + " |", "|---" * (len(treated) + 1) + "|"]
    lines.append("| rescued of those that fail untouched | " + " | ".join(rescued) + " |")
    lines.append("| healthy runs harmed | " + " | ".join(harmed) + " |")
    return "\n".join(lines)


def main() -> None:
    """Record or score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["record", "score"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21, 22, 23, 24])
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/.rules"))
    parser.add_argument("--cases", choices=[*TROUBLED, *HEALTHY], nargs="+", default=[*TROUBLED, *HEALTHY])
    parser.add_argument("--arms", choices=ARMS, nargs="+", default=ARMS)
    parser.add_argument(
        "--part", type=int, nargs=2, default=(0, 1), metavar=("I", "N"), help="every N-th run, from I on"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.what == "score":
        print(score(arguments.folder, arguments.seeds, arguments.cases, arguments.arms))
        return
    jobs = [
        (seed, name, arm) for seed in arguments.seeds for name in arguments.cases for arm in arguments.arms
    ]
    for seed, name, arm in jobs[arguments.part[0] :: arguments.part[1]]:
        file = arguments.folder / f"{name.replace(' ', '_')}-{seed}-{arm}.json"
        if file.exists():
            continue
        began = time.perf_counter()
        made = {"case": name, "seed": seed, "arm": arm, **run({**TROUBLED, **HEALTHY}[name], seed, arm)}
        file.with_suffix(".part").write_text(json.dumps(made))
        file.with_suffix(".part").rename(file)
        print(f"{file.stem}: {time.perf_counter() - began:.1f} s, good {made['good']}", flush=True)


if __name__ == "__main__":
    main()
