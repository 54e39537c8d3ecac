"""Whether rules help: troubled and healthy settings, untouched and under the built-in rules.

Quality decides, never a signal that a rule holds: a run is good if its sliced Wasserstein distance after the last step is
at most six times that of perfect samples, and all clusters that are known receive at least a hundredth of the samples.
A healthy run is harmed if it is good untouched and not good under rules. Usage::

    python benchmarks/rules.py record --seeds 20 21 22    # finished runs are kept, so it can be interrupted
    python benchmarks/rules.py score
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import ganwidgets as gw

STEPS = 1200

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


def good(trainer: gw.GANTrainer) -> bool:
    """Return whether the samples are like the data."""
    figures, floors = trainer.evaluate(), trainer.floors()
    if not figures["sliced_wasserstein"] <= 6 * floors["sliced_wasserstein"]:
        return False
    modes = trainer.source.modes
    if modes is None:
        return True
    nearest = torch.cdist(trainer.sample(2500, 0), modes.centers).argmin(dim=1)
    counts = torch.bincount(nearest, minlength=len(modes.centers))
    return bool((counts >= 25).all())


def run(settings: Mapping[str, Any], seed: int, *, rules: bool) -> dict[str, Any]:
    """Return how a run ends."""
    rest = dict(settings)
    trainer = gw.GANTrainer(rest.pop("data"), seed=seed, **rest)
    pilot = trainer.autopilot() if rules else None
    stopped = False
    try:
        trainer.step(STEPS)
    except gw.DivergedError:
        stopped = True
    fired = [] if pilot is None else [[f.iteration, f.rule] for f in pilot.firings]
    return {"good": good(trainer), "stopped": stopped, "iteration": trainer.iteration, "fired": fired}


def score(folder: Path) -> str:
    """Return the table."""
    runs = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    by_key = {(r["case"], r["seed"], r["rules"]): r for r in runs}
    lines = ["| setting | untouched good | with rules good |", "|---|---|---|"]
    fails = rescued = healthy = harmed = troubled_good = troubled = kept = 0
    for name in (*TROUBLED, *HEALTHY):
        pairs = [
            (by_key[name, s, False], by_key[name, s, True])
            for n, s, rules in by_key
            if n == name and not rules and (name, s, True) in by_key
        ]
        if not pairs:
            continue
        before, after = sum(a["good"] for a, _ in pairs), sum(b["good"] for _, b in pairs)
        lines.append(f"| {name} | {before} of {len(pairs)} | {after} of {len(pairs)} |")
        if name in TROUBLED:
            troubled += len(pairs)
            troubled_good += before
            kept += after
            fails += sum(not a["good"] for a, _ in pairs)
            rescued += sum(b["good"] and not a["good"] for a, b in pairs)
        else:
            healthy += sum(a["good"] for a, _ in pairs)
            harmed += sum(a["good"] and not b["good"] for a, b in pairs)
    lines.append("")
    lines.append(
        f"Troubled runs that are good: {troubled_good} of {troubled} untouched, {kept} of {troubled} under the built-in "
        f"rules. Of {fails} that fail untouched, {rescued} are rescued ({rescued / max(fails, 1):.0%}). Of {healthy} healthy "
        f"runs that are good untouched, {harmed} are harmed ({harmed / max(healthy, 1):.0%})."
    )
    return "\n".join(lines)


def main() -> None:
    """Record or score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["record", "score"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21, 22, 23, 24])
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/.rules"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.what == "score":
        print(score(arguments.folder))
        return
    for seed in arguments.seeds:
        for name, settings in {**TROUBLED, **HEALTHY}.items():
            for rules in (False, True):
                file = arguments.folder / f"{name.replace(' ', '_')}-{seed}-{rules}.json"
                if file.exists():
                    continue
                began = time.perf_counter()
                made = {"case": name, "seed": seed, "rules": rules, **run(settings, seed, rules=rules)}
                file.with_suffix(".part").write_text(json.dumps(made))
                file.with_suffix(".part").rename(file)
                print(f"{file.stem}: {time.perf_counter() - began:.1f} s, good {made['good']}", flush=True)


if __name__ == "__main__":
    main()
