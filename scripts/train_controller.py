"""Train the controller of ``ganwidgets.learned_rules`` and store it in the package.

``python scripts/train_controller.py`` trains sweeps whose runs change learning rates and the updates of D at random every
100 iterations, fits the gain of each act by ridge regression, prints how well it predicts acts of runs that it has not
seen, and writes ``ganwidgets/diagnosis/rules/controller.json``. The same version of PyTorch writes the same numbers again.
"""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

import ganwidgets as gw
from ganwidgets.diagnosis.rules.learned import ACTS, DECIDES_EVERY, acted, features
from ganwidgets.diagnosis.signals import recorded
from ganwidgets.metrics.points import sliced_wasserstein

FILE = Path(__file__).resolve().parents[1] / "ganwidgets" / "diagnosis" / "rules" / "controller.json"

RUNS, DECISIONS = 24, 10
"""Runs of each sweep, and acts of each run."""

DATA = ("ring8", "gaussians", "moons")
LOST = -3.0
"""Gain of an act after which the run diverges."""

RIDGE = 1.0

Floats = npt.NDArray[np.float64]


def distance(run: gw.SweepRun, floor: float) -> float:
    """Return the distance from the data divided by that of perfect samples; infinite for a run that has ended."""
    samples = run.sample(500, seed=1)
    if run.status == "diverged" or not bool(samples.isfinite().all()):
        return math.inf
    return sliced_wasserstein(samples, run.real(500, seed=1), 0) / floor


def gathered(data: str, seed: int) -> tuple[list[Floats], list[float], list[int]]:
    """Return features, gains and the runs of all acts on one kind of data."""
    draws = random.Random(seed)  # noqa: S311 - it chooses settings
    sweep = gw.Sweep(
        data, lr_d=gw.between(1e-6, 0.1), lr_g=gw.between(1e-6, 0.1), draws=RUNS, draw_seed=seed, seeds=[seed]
    )
    floor = sliced_wasserstein(sweep.runs[0].real(500, seed=2), sweep.runs[0].real(500, seed=1), 0)
    rows: list[Floats] = []
    gains: list[float] = []
    of_run: list[int] = []
    sweep.step(DECIDES_EVERY)
    for _ in range(DECISIONS):
        taken: dict[int, tuple[Floats, float]] = {}
        for index, run in enumerate(sweep.runs):
            if run.status != "running":
                sweep.respawn(
                    index,
                    warm=False,
                    lr_d=10 ** draws.uniform(-6, -1),
                    lr_g=10 ** draws.uniform(-6, -1),
                    d_steps=1,
                )
                continue
            seen = run._read(lambda lane: recorded(lane.session))
            act = draws.choice(list(ACTS))
            after = acted(seen.settings, act)
            taken[index] = features(seen, after), distance(run, floor)
            sweep.change(index, lr_d=after["lr_d"], lr_g=after["lr_g"], d_steps=round(after["d_steps"]))
        sweep.step(DECIDES_EVERY)
        for index, (row, before) in taken.items():
            later = distance(sweep.runs[index], floor)
            gain = math.log(before / later) if math.isfinite(later) and later > 0 else LOST
            rows.append(row)
            gains.append(min(max(gain, LOST), -LOST))
            of_run.append(index)
        print(f"{data}: iteration {sweep.iteration}, {len(rows)} acts", flush=True)
    return rows, gains, of_run


def fitted(rows: Floats, gains: Floats) -> Floats:
    """Return the weights of a ridge regression."""
    weights: Floats = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), rows.T @ gains).astype(
        np.float64
    )
    return weights


def main() -> None:
    """Gather acts, fit, report and store."""
    torch.set_num_threads(1)
    parts = [gathered(data, 1000 + number) for number, data in enumerate(DATA)]
    rows = np.array([row for part in parts for row in part[0]])
    gains = np.array([gain for part in parts for gain in part[1]])
    held_out = np.array([run % 4 == 0 for part in parts for run in part[2]])
    weights = fitted(rows[~held_out], gains[~held_out])
    explained = np.corrcoef(rows[held_out] @ weights, gains[held_out])[0, 1]
    print(f"{len(rows)} acts; correlation of expected and actual gains of other runs: {explained:.2f}")
    stored = {"acts": len(rows), "weights": [float(f"{w:.6g}") for w in fitted(rows, gains)]}
    FILE.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
