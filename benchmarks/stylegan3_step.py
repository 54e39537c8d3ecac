"""Measure a training step of the small StyleGAN3-T at 32x32 against a loop over the official networks on the CPU.

The official code is not part of this project: pass the folder of a checkout of NVlabs/stylegan3. Both train networks
of the same configuration on digits at 32x32, batch and settings as recommended: a lazy R1 penalty in every 16th
update of D, Adam, and a running mean of G. They take turns, 16 steps each, on one thread, in processor time; the figure
is the median of the rounds' ratios.

    python benchmarks/stylegan3_step.py FOLDER [--rounds 3] [--radial]
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.functional import softplus

import ganwidgets as gw
from ganwidgets.networks.stylegan3.training import WIDEST

SIDE, STEPS = 32, 16


def official_networks(folder: str, trainer: gw.GANTrainer) -> tuple[nn.Module, nn.Module]:
    """Return the official generator and discriminator in the configuration of `trainer`."""
    try:
        import pkg_resources  # noqa: F401
    except ImportError:  # gone from setuptools; the official code asks it for one function
        from packaging.version import parse

        stand_in: Any = types.ModuleType("pkg_resources")
        stand_in.parse_version = parse
        sys.modules["pkg_resources"] = stand_in
    sys.path.insert(0, folder)
    from training import networks_stylegan2, networks_stylegan3

    options = {**trainer.generator.options, "magnitude_ema_beta": 0.5 ** (trainer.settings.batch_size / 20e3)}
    generator = networks_stylegan3.Generator(**options)
    channels = trainer.settings.channels
    discriminator = networks_stylegan2.Discriminator(
        0,
        SIDE,
        options["img_channels"],
        channel_base=channels * SIDE,
        channel_max=channels * WIDEST,
        num_fp16_res=0,
    )
    return generator, discriminator


def official_step(folder: str, trainer: gw.GANTrainer) -> Callable[[int], None]:
    """Return a function that carries out steps of the official networks, as the official loop does."""
    g, d = official_networks(folder, trainer)
    average = copy.deepcopy(g).requires_grad_(False)
    settings = trainer.settings
    every, lazy = settings.penalty_interval, settings.penalty_interval / (settings.penalty_interval + 1)
    optimizer_g = torch.optim.Adam(g.parameters(), settings.lr_g, (0.0, 0.99), 1e-8)
    optimizer_d = torch.optim.Adam(d.parameters(), settings.lr_d * lazy, (0.0, 0.99**lazy), 1e-8)
    n, done = settings.batch_size, 0

    def step() -> None:
        nonlocal done
        real = trainer.real(n) * 2 - 1
        fake = g(torch.randn(n, settings.latent_dim), None, update_emas=True)
        loss_d = softplus(d(fake.detach(), None)).mean() + softplus(-d(real, None)).mean()
        optimizer_d.zero_grad(set_to_none=True)
        loss_d.backward()
        if done % every == 0:
            seen = real.detach().requires_grad_()
            (slope,) = torch.autograd.grad(d(seen, None).sum(), seen, create_graph=True)
            (slope.square().sum((1, 2, 3)).mean() * settings.penalty_weight / 2 * every).backward()
        optimizer_d.step()
        d.requires_grad_(False)
        loss_g = softplus(-d(g(torch.randn(n, settings.latent_dim), None, update_emas=True), None)).mean()
        optimizer_g.zero_grad(set_to_none=True)
        loss_g.backward()
        optimizer_g.step()
        d.requires_grad_(True)
        with torch.no_grad():
            for mean, value in zip(average.parameters(), g.parameters(), strict=True):
                mean.lerp_(value, 0.002)
        done += 1

    def steps(count: int) -> None:
        for _ in range(count):
            step()

    return steps


def main() -> None:
    """Print the processor milliseconds of a step of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="a checkout of NVlabs/stylegan3")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--radial", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    architecture = "stylegan3_r" if arguments.radial else "stylegan3_t"
    trainer = gw.GANTrainer("digits_32", **gw.recommended(architecture))
    steps = {"ours": trainer.step, "official": official_step(arguments.folder, trainer)}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for each in steps.values():
        each(1)
    for _ in range(arguments.rounds):
        for name, each in steps.items():
            began = time.process_time()
            each(STEPS)
            seconds[name].append((time.process_time() - began) / STEPS)
    ratios = [theirs / own for theirs, own in zip(seconds["official"], seconds["ours"], strict=True)]
    for name, measured in seconds.items():
        print(f"{name}: {1000 * statistics.median(measured):.0f} ms of one core a step")
    print(
        f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), batch {trainer.settings.batch_size}"
    )


if __name__ == "__main__":
    main()
