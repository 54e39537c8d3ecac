"""Each game on suitable data, small enough for tests."""

from __future__ import annotations

import math

import torch
from harness import Play, TensorStream
from sklearn.datasets import load_digits

from ganwidgets.games.adversarial_training import AdversarialTraining
from ganwidgets.games.cyclegan import CycleGAN
from ganwidgets.games.gan import GAN
from ganwidgets.games.pix2pix import Pix2Pix
from ganwidgets.settings import SETTINGS


def stripes(n, seed, side=16):
    """Return planes of -1 or 1, and upright or horizontal stripes of random phase, both [n, 1, side, side]."""
    draw = torch.Generator().manual_seed(seed)
    planes = torch.randint(2, (n, 1, 1, 1), generator=draw).float() * 2 - 1
    phase = torch.rand(n, 1, 1, 1, generator=draw) * 2 * math.pi
    y, x = torch.meshgrid(torch.arange(side).float(), torch.arange(side).float(), indexing="ij")
    upright, lying = (0.8 * torch.sin(math.pi / 2 * axis + phase) for axis in (x, y))
    return planes.expand(n, 1, side, side).contiguous(), torch.where(planes > 0, upright, lying)


def digits():
    """Return the digits as [1797, 1, 8, 8] in [-1, 1], and their classes."""
    bunch = load_digits()
    return torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 8 - 1, torch.tensor(bunch.target)


def gan(**settings):
    draw = torch.Generator().manual_seed(0)
    data = TensorStream(torch.randn(64, 2, generator=draw))
    return Play(
        WithSettings(latent_dim=3), {"data": data}, g_hidden=(8,), d_hidden=(8,), batch_size=8, **settings
    )


class WithSettings(GAN):
    """The classic game with every classic setting declared as its own."""

    settings = SETTINGS


def pix2pix(**settings):
    inputs, targets = stripes(32, seed=0)
    streams = {"pairs": TensorStream(inputs, targets=targets)}
    return Play(Pix2Pix(), streams, channels=4, **{"batch_size": 4, **settings})


def cyclegan(**settings):
    images = digits()[0][:60]
    streams = {"a": TensorStream(images[:30], seed=1), "b": TensorStream(-images[30:], seed=2)}
    return Play(CycleGAN(), streams, channels=4, **{"batch_size": 4, "pool_size": 6, **settings})


def adversarial_training(**settings):
    images, classes = digits()
    streams = {"data": TensorStream(images[:200], labels=classes[:200])}
    return Play(
        AdversarialTraining(), streams, channels=4, **{"batch_size": 8, "attack_steps": 2, **settings}
    )


GAMES = {
    "gan": gan,
    "pix2pix": pix2pix,
    "cyclegan": cyclegan,
    "adversarial_training": adversarial_training,
}
