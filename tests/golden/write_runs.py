"""Write ``runs.zip``: run folders and saved files as this version writes them. Run it only to add another version's.

python tests/golden/write_runs.py
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

import torch

import ganwidgets as gw

ARCHIVE = Path(__file__).with_name("runs.zip")
STORED, NEXT = 12, 4


def points(run: Path | None) -> gw.GANTrainer:
    """Return a run on points with an average, a lazy penalty, packing and a few changes."""
    trainer = gw.GANTrainer(
        "ring8", g_hidden=(6,), d_hidden=(6,), batch_size=12, latent_dim=2, seed=2, penalty="r1",
        penalty_interval=3, ema_decay=0.9, packing=2, run=run,
    )  # fmt: skip
    trainer.step(5)
    trainer.change("slower", lr_d=1e-3, optimizer_g="rmsprop")
    trainer.step(3)
    trainer.timeline.fork("other")
    trainer.change(freeze_d=True)
    trainer.step(2)
    trainer.change(freeze_d=False, loss="relativistic")
    trainer.step(2)
    return trainer


def images(run: Path | None) -> gw.GANTrainer:
    """Return a conditional run on small images of its own, with batch norm, augmentation and a held-out part."""
    draw = torch.Generator().manual_seed(1)
    data = torch.rand(24, 1, 8, 8, generator=draw), torch.randint(3, (24,), generator=draw)
    trainer = gw.GANTrainer(
        data, architecture="dcgan", channels=2, batch_size=6, latent_dim=3, conditional=True, augment="all",
        holdout=0.25, ema_decay=0.8, seed=2, run=run,
    )  # fmt: skip
    trainer.step(10)
    trainer.change(g_steps=2, skip_d_below=1.2)
    trainer.step(2)
    return trainer


def main() -> None:
    torch.set_num_threads(1)
    then = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, make in (("points", points), ("images", images)):
            trainer = make(root / name)
            stored = trainer.state_hash()
            trainer.save(root / f"{name}.gan")
            trainer.close()
            trainer = make(None)
            assert trainer.state_hash() == stored
            trainer.step(NEXT)
            losses = {column: trainer.history[column][-NEXT:].tolist() for column in ("loss_d", "loss_g")}
            then[name] = {"iteration": STORED, "state_hash": stored, "next_losses": losses}
        (root / "then.json").write_text(json.dumps(then, indent=1))
        with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(root.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(root))


if __name__ == "__main__":
    main()
