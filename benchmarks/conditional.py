"""Train conditional GANs on digits, ask for every class, and let a classifier read what came.

The classifier is a support vector machine that knows half of the real digits; the other half says how
well it reads. For each architecture and seed: the share of 1000 generated digits, 100 of each class, in
which it reads the class that was asked for, the worst class's share, and the processor seconds of the training
on one thread, which a busy machine hardly changes.

    python benchmarks/conditional.py [--architectures mlp dcgan resnet] [--seeds 0 1 2] [--steps 2000]
        [--processes 1]
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any, NamedTuple

import torch
from sklearn.svm import SVC
from spread import add_processes, spread
from torch import Tensor

import ganwidgets as gw

EACH = 100
"""Generated digits of every class."""

COMMON: dict[str, Any] = {
    "conditional": True,
    "latent_dim": 32,
    "batch_size": 64,
    "beta1": 0.5,
    "beta2": 0.99,
    "ema_decay": 0.99,
}
"""What all architectures share; judged is the average of the generator."""

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "mlp": {"g_hidden": (128, 256), "d_hidden": (256, 128), "lr_g": 5e-4, "lr_d": 1e-3, "penalty": "r1"},
    "dcgan": {"channels": 16, "lr_g": 5e-4, "lr_d": 5e-4},
    "resnet": {"channels": 16, "spectral_norm": True, "loss": "hinge", "lr_g": 5e-4, "lr_d": 1e-3},
}


class Result(NamedTuple):
    """What one run came to."""

    read: float
    worst: float
    seconds: float


class Reader:
    """A classifier of real digits."""

    def __init__(self) -> None:
        source = gw.GANTrainer("digits").source
        images, labels = source.read(torch.arange(source.size)), source.all_labels()
        known = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)) < len(labels) // 2
        self._machine = SVC(gamma="scale").fit(_flat(images[known]), labels[known])
        self.accuracy = float((self(images[~known]) == labels[~known]).double().mean())

    def __call__(self, images: Tensor) -> Tensor:
        """Return the labels of images [N, 1, 8, 8] in [-1, 1], int64 [N]."""
        return torch.as_tensor(self._machine.predict(_flat(images)))


def _flat(images: Tensor) -> Any:
    return images.flatten(1).numpy()


def train(architecture: str, seed: int, steps: int, reader: Reader) -> Result:
    """Train one run and let `reader` read its digits."""
    trainer = gw.GANTrainer(
        "digits", architecture=architecture, seed=seed, **COMMON, **ARCHITECTURES[architecture]
    )
    began = time.process_time()
    trainer.step(steps)
    seconds = time.process_time() - began
    asked = torch.arange(10).repeat_interleave(EACH)
    made = trainer.sample(len(asked), seed=0, labels=asked, ema=True) * 2 - 1
    right = (reader(made) == asked).reshape(10, EACH).double().mean(1)
    return Result(float(right.mean()), float(right.min()), seconds)


def main() -> None:
    """Print a row for each architecture and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architectures", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=2000)
    add_processes(parser)
    arguments = parser.parse_args()
    reader = Reader()
    print(f"real digits that the classifier does not know: it reads {reader.accuracy:.1%} of them")
    print(f"{'architecture':14}{'seed':>6}{'steps':>8}{'read as asked':>16}{'worst class':>14}{'CPU s':>8}")
    runs = [(a, seed, arguments.steps, reader) for a in arguments.architectures for seed in arguments.seeds]
    trained = spread(train, runs, arguments.processes)
    for architecture in arguments.architectures:
        results = []
        for seed, result in zip(arguments.seeds, trained, strict=False):
            results.append(result)
            print(
                f"{architecture:14}{seed:6}{arguments.steps:8}{result.read:16.1%}{result.worst:14.1%}{result.seconds:8.0f}",
                flush=True,
            )
        lowest = min(result.read for result in results)
        middle = statistics.median(result.read for result in results)
        print(
            f"{architecture:14}median {middle:.1%}, lowest {lowest:.1%}: {'reached' if lowest >= 0.9 else 'missed'} 90 %"
        )


if __name__ == "__main__":
    main()
