"""What it costs to train from a folder whose pictures are read meanwhile, beside the same pictures in memory.

Made-up photos (JPEG) are read as 64x64 by a DCGAN. A folder with more pixels than 250 MB is read while training
goes on; here every folder is. In each pair one run has the pictures in memory and the other has them still to be
read, each for the first time, by threads that work ahead of the training; printed is the median of the pairs'
ratios of full steps a second. Printed too is how long opening takes either way.

    python benchmarks/image_folder.py [--pairs 7] [--steps 20] [--pictures 3000] [--side 512] [--batch 64]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import ganwidgets as gw
from ganwidgets.data import Source
from ganwidgets.data.images import folder

DCGAN = {"architecture": "dcgan", "channels": 16, "latent_dim": 64}


def make_photos(path: Path, count: int, side: int) -> None:
    """Write so many smooth pictures, each different."""
    generator = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        coarse.resize((side, side), Image.Resampling.BICUBIC).save(path / f"{number}.jpg", quality=88)


def opened(path: Path, *, at_once: int) -> tuple[Source, float]:
    """Return a folder's source, and how many seconds opening it took."""
    folder.READ_AT_ONCE = at_once
    began = time.perf_counter()
    return gw.image_folder(path), time.perf_counter() - began


def seconds(source: Source, batch: int, steps: int, seed: int) -> float:
    """Return how long one of the first steps of a run takes."""
    trainer = gw.GANTrainer(source, batch_size=batch, seed=seed, **DCGAN)
    began = time.perf_counter()
    trainer.step(steps)
    return (time.perf_counter() - began) / steps


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--side", type=int, default=512, help="of the photos, in pixels")
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        make_photos(Path(name), options.pictures, options.side)
        in_memory, all_read = opened(Path(name), at_once=1 << 40)
        ratios, opening = [], []
        for number in range(options.pairs):
            read_meanwhile, took = opened(Path(name), at_once=0)
            opening.append(took)
            pair = {}
            for kind, source in (("memory", in_memory), ("folder", read_meanwhile))[
                :: 1 if number % 2 else -1
            ]:
                pair[kind] = seconds(source, options.batch, options.steps, number)
            ratios.append(pair["memory"] / pair["folder"])
            print(
                f"in memory {1000 * pair['memory']:.0f} ms a step, read meanwhile {1000 * pair['folder']:.0f}: {ratios[-1]:.2f}"
            )
    print(
        f"{options.pictures} photos of {options.side}x{options.side}: opened in {all_read:.1f} s where all are read, in "
        f"{statistics.median(opening):.2f} s where each is read when it is needed; speed of the first steps, read "
        f"meanwhile / in memory: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
