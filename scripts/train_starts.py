"""Train what ``ganwidgets.pretrained`` begins with, and store it in the package.

``python scripts/train_starts.py [preset ...]`` trains each preset of points with the settings that are
recommended for it, prints how good it became beside the floor, and writes
``ganwidgets/pretrained/<preset>.gan``: the state alone, without history, data or interventions. The same
version of PyTorch writes the same numbers again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from ganwidgets import GANTrainer
from ganwidgets.recipes import RECOMMENDED, recommended
from ganwidgets.runs.files.checkpoint import write_checkpoint
from ganwidgets.runs.state.flatten import flatten

FOLDER = Path(__file__).resolve().parents[1] / "ganwidgets" / "pretrained"


def train(preset: str) -> None:
    """Train one preset, and store its state."""
    trainer = GANTrainer(preset, seed=0, **recommended(preset))
    trainer.step(RECOMMENDED[preset].steps)
    tensors: dict[str, torch.Tensor] = {}
    state = flatten(trainer.state_dict(), "state", tensors)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{preset}.gan"
    write_checkpoint(path, tensors, {"state": state, "torch": torch.__version__})
    floors = trainer.floors()
    figures = ", ".join(
        f"{name} {value:.3f} ({floors[name]:.3f})" for name, value in trainer.evaluate().items()
    )
    print(f"{preset}: {path.stat().st_size / 1e3:.0f} kB; {figures}", flush=True)


def main(presets: list[str]) -> None:
    """Train those named, or all."""
    for preset in presets or [name for name, about in RECOMMENDED.items() if about.steps]:
        train(preset)


if __name__ == "__main__":
    main(sys.argv[1:])
