"""Measure what the games beside the classic one reach on small data, and how long that takes.

* Adversarial training on scikit-learn's digits: accuracy, clean and under attack, of three ways of training.
* CycleGAN from digits to their coloured negatives, unpaired: how many keep their class (by a judge that was
  trained on real negatives), with and without the cycle weight.
* pix2pix from planes to stripes of a random phase: distance and detail, with and without the discriminator.

    python benchmarks/games.py [--seeds 1]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "games"))

from examples import digits, stripes
from harness import Play, TensorStream

from ganwidgets.games.adversarial_training import AdversarialTraining
from ganwidgets.games.cyclegan import CycleGAN
from ganwidgets.games.pix2pix import Pix2Pix
from ganwidgets.networks.classifiers import build_classifier


def report(name: str, seed: int, steps: int, began: float, found: dict[str, float]) -> None:
    """Print one line."""
    figures = ", ".join(f"{metric} {value:.3f}" for metric, value in found.items())
    print(f"{name:44} seed {seed}, {steps} steps, {time.process_time() - began:.0f} s: {figures}", flush=True)


def robustness(seed: int) -> None:
    """Train classifiers with three attacks, and measure each with FGSM and PGD of 20 steps."""
    images, classes = shuffled_digits()
    train = {"data": TensorStream(images[:1197], labels=classes[:1197], seed=seed)}
    test = {"data": TensorStream(images[1197:], labels=classes[1197:])}
    ways: dict[str, dict[str, Any]] = {
        "standard": {"attack": "none"},
        "one step from a random start": {"attack_steps": 1, "attack_rate": 1.25},
        "PGD of 7 steps": {"attack_steps": 7},
    }
    for name, settings in ways.items():
        began = time.process_time()
        play = Play(AdversarialTraining(), train, seed=seed, **settings)
        play.step(800)
        report(f"adversarial training, {name}", seed, 800, began, play.look("evaluate", 600, test))


def cycles(seed: int) -> None:
    """Translate digits to their coloured negatives and back, and ask a judge for their classes."""
    images, classes = shuffled_digits()
    judge = judge_of(negatives(images[:1197]), classes[:1197])
    train = {"a": TensorStream(images[:598], seed=1), "b": TensorStream(negatives(images[598:1197]), seed=2)}
    test = {"a": TensorStream(images[1197:]), "b": TensorStream(negatives(images[1197:]))}
    for weight in (10.0, 0.0):
        began = time.process_time()
        play = Play(CycleGAN(), train, seed=seed, batch_size=32, cycle_weight=weight)
        play.step(1000)
        found = dict(play.look("evaluate", 600, test))
        with torch.no_grad():
            translated = play.state.networks["a_to_b"](images[1197:])
            found["class kept"] = (judge(translated).argmax(1) == classes[1197:]).float().mean().item()
            found["L1 to the true negative"] = (translated - negatives(images[1197:])).abs().mean().item()
        report(f"CycleGAN, cycle weight {weight:g}", seed, 1000, began, found)


def translations(seed: int) -> None:
    """Translate planes to stripes."""
    inputs, targets = stripes(512, seed=0)
    held_out = stripes(128, seed=1)
    train = {"pairs": TensorStream(inputs, targets=targets, seed=seed)}
    test = {"pairs": TensorStream(held_out[0], targets=held_out[1])}
    for adversarial, l1 in ((0.0, 10.0), (1.0, 10.0), (1.0, 1.0)):
        began = time.process_time()
        play = Play(Pix2Pix(), train, seed=seed, adversarial_weight=adversarial, l1_weight=l1)
        play.step(500)
        name = f"pix2pix, adversarial {adversarial:g}, L1 {l1:g}"
        report(name, seed, 500, began, play.look("evaluate", 128, test))


def shuffled_digits() -> tuple[Tensor, Tensor]:
    """Return the digits in one fixed order, [1797, 1, 8, 8], and their classes."""
    images, classes = digits()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(1234))
    return images[order], classes[order]


def negatives(images: Tensor) -> Tensor:
    """Return dark digits on a warm ground, [n, 3, 8, 8]."""
    light = (1 - images) / 2
    return torch.cat((light * 1.8 - 0.9, light * 1.2 - 0.9, -light * 0.6 - 0.2), 1)


def judge_of(images: Tensor, classes: Tensor) -> nn.Module:
    """Return a classifier that was trained on `images`."""
    draw = torch.Generator().manual_seed(9)
    judge = build_classifier(tuple(images.shape[1:]), 10, draw)
    optimizer = torch.optim.Adam(judge.parameters(), 1e-3)
    for _ in range(400):
        chosen = torch.randint(len(images), (128,), generator=draw)
        optimizer.zero_grad()
        cross_entropy(judge(images[chosen]), classes[chosen]).backward()
        optimizer.step()
    return judge


def main() -> None:
    """Run everything for each seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1)
    torch.set_num_threads(1)
    for seed in range(parser.parse_args().seeds):
        translations(seed)
        robustness(seed)
        cycles(seed)


if __name__ == "__main__":
    main()
