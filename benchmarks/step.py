"""Compare the speed of `GANTrainer.step` with the plainest loop that one would write by hand.

The same networks, loss, batch size, data and optimizer implementation (`torch.optim.Adam` with
``fused=True``) on one thread; both in turn, so that a change of the machine's speed meets both.
The loop by hand reads both losses at each step, as anybody does who plots them.

    python benchmarks/step.py [--pairs 15] [--clock processor]

On a machine that is busy with other work, ``--clock processor`` measures the processor time of this process instead.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

import ganwidgets as gw


def by_hand(trainer: gw.GANTrainer, data: Tensor, latent_dim: int, batch_size: int) -> Callable[[int], None]:
    """Return a function that trains copies of a trainer's networks for n steps, in the plainest way."""
    generator, discriminator = copy.deepcopy(trainer.generator), copy.deepcopy(trainer.discriminator)
    settings = trainer.settings
    betas = (settings.beta1, settings.beta2)
    optimizer_g = torch.optim.Adam(generator.parameters(), settings.lr_g, betas, fused=True)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), settings.lr_d, betas, fused=True)
    losses = []

    def run(n: int) -> None:
        for _ in range(n):
            real = data[torch.randint(len(data), (batch_size,))]
            fake = generator(torch.randn(batch_size, latent_dim))
            optimizer_d.zero_grad()
            loss_d = softplus(-discriminator(real)).mean() + softplus(discriminator(fake.detach())).mean()
            loss_d.backward()
            optimizer_d.step()
            optimizer_g.zero_grad()
            loss_g = softplus(-discriminator(generator(torch.randn(batch_size, latent_dim)))).mean()
            loss_g.backward()
            optimizer_g.step()
            losses.append((loss_d.item(), loss_g.item()))

    return run


def one_at_a_time(trainer: gw.GANTrainer) -> Callable[[int], None]:
    """Return a function that calls `step()` n times."""

    def run(n: int) -> None:
        for _ in range(n):
            trainer.step()

    return run


def convolutional() -> tuple[nn.Module, nn.Module]:
    """Return a small DCGAN for images [1, 16, 16], with batch norm in both networks."""
    generator = nn.Sequential(
        nn.Unflatten(1, (64, 1, 1)),
        nn.ConvTranspose2d(64, 64, 4, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, 2, 1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, 32, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 1, 4),
    )
    return generator, discriminator


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def add_options(parser: argparse.ArgumentParser, pairs: int) -> None:
    """Add what :func:`compare` needs."""
    parser.add_argument("--pairs", type=int, default=pairs)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")


def compare(
    name: str, ours: Callable[[int], None], hand: Callable[[int], None], n: int, options: argparse.Namespace
) -> None:
    """Print the median of the ratios of speed, ours to the loop by hand."""
    ratios, times, clock = [], [], CLOCKS[options.clock]
    ours(n // 4)
    hand(n // 4)
    for pair in range(options.pairs):
        spent = {}
        for run in (ours, hand) if pair % 2 else (hand, ours):
            began = clock()
            run(n)
            spent[run] = (clock() - began) / n
        ratios.append(spent[hand] / spent[ours])
        times.append(spent[ours] * 1e3)
    print(
        f"{name:42} speed of ours to by hand: median {statistics.median(ratios):.3f} "
        f"(min {min(ratios):.3f}, max {max(ratios):.3f}), ours {statistics.median(times):.3f} ms a step"
    )


def main() -> None:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser, pairs=15)
    options = parser.parse_args()
    torch.set_num_threads(1)

    small = {"g_hidden": (16, 16), "d_hidden": (16, 16), "latent_dim": 2, "batch_size": 150}
    points = gw.GANTrainer("gaussians").real(20_000, seed=0)
    trainer = gw.GANTrainer("gaussians", **small)
    hand = by_hand(trainer, points, 2, 150)
    compare("16 units, batch 150, step(500)", trainer.step, hand, 500, options)
    compare("16 units, batch 150, step() 500 times", one_at_a_time(trainer), hand, 500, options)

    images = torch.rand(2_000, 1, 16, 16)
    generator, discriminator = convolutional()
    trainer = gw.GANTrainer(
        images, generator=generator, discriminator=discriminator, latent_dim=64, batch_size=64
    )
    hand = by_hand(trainer, images * 2 - 1, 64, 64)
    compare("convolutional, 16x16, batch 64, step(20)", trainer.step, hand, 20, options)

    trainer = gw.GANTrainer(images, architecture="dcgan", latent_dim=64, batch_size=64)
    hand = by_hand(trainer, images * 2 - 1, 64, 64)
    compare("built-in dcgan, 16x16, batch 64, step(20)", trainer.step, hand, 20, options)


if __name__ == "__main__":
    main()
