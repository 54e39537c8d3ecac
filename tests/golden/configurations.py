"""The runs whose bits are stored: each is a small trainer and its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

import ganwidgets as gw

STEPS = 30

POINTS = {"g_hidden": (8, 8), "d_hidden": (8, 8), "batch_size": 16, "latent_dim": 3, "seed": 5}
IMAGES = {"channels": 4, "batch_size": 8, "latent_dim": 5, "seed": 5}
MLP_IMAGES = {"g_hidden": (12,), "d_hidden": (12,), "batch_size": 12, "latent_dim": 5, "seed": 5}


class Margin:
    """A user's objective with a penalty; both draw random numbers."""

    name = "margin"

    def loss_d(self, real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
        margin = 0.5 + torch.rand(())
        return torch.relu(margin - real_logits).mean() + torch.relu(margin + fake_logits).mean()

    def loss_g(self, fake_logits: torch.Tensor, real_logits: torch.Tensor) -> torch.Tensor:
        return (real_logits.mean() - fake_logits).mean()

    def penalty(
        self, discriminator: Any, real: Any, fake: Any, weight: float, generator: torch.Generator
    ) -> torch.Tensor:
        share = torch.rand((), generator=generator)
        return weight * discriminator(torch.lerp(fake, real, share)).square().mean()


def _network(out: int, inputs: int) -> nn.Module:
    """Return a network with batch norm and dropout; the caller seeds its weights."""
    return nn.Sequential(
        nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(8, out)
    )


def _own_networks() -> gw.GANTrainer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        networks = {"generator": _network(2, 3), "discriminator": _network(1, 2)}
    return gw.GANTrainer(
        "moons", batch_size=16, latent_dim=3, seed=5, ema_decay=0.9, penalty="r1", **networks
    )


def _labelled(**settings: Any) -> gw.GANTrainer:
    draw = torch.Generator().manual_seed(1)
    images = torch.rand(40, 1, 8, 8, generator=draw)
    labels = torch.randint(3, (40,), generator=draw)
    return gw.GANTrainer((images, labels), conditional=True, **settings)


def points(data: str = "ring8", **settings: Any) -> Callable[[], gw.GANTrainer]:
    return lambda: gw.GANTrainer(data, **POINTS, **settings)


def digits(**settings: Any) -> Callable[[], gw.GANTrainer]:
    return lambda: gw.GANTrainer("digits", architecture="dcgan", **IMAGES, **settings)


TRAINERS: Mapping[str, Callable[[], gw.GANTrainer]] = {
    "defaults": points(),
    "minimax, sgd": points(loss="minimax", optimizer_d="sgd", optimizer_g="sgd", lr_g=0.05),
    "lazy r1": points(penalty="r1", penalty_interval=4, penalty_weight=0.7),
    "least squares, momentum": points(
        loss="least_squares", optimizer_d="momentum", optimizer_g="momentum", beta1=0.5
    ),
    "wasserstein, weight clip": points(
        loss="wasserstein", weight_clip=0.05, d_steps=3, optimizer_d="rmsprop", optimizer_g="rmsprop"
    ),
    "wasserstein, lazy gradient penalty": points(
        "grid25", loss="wasserstein", penalty="gradient_penalty", penalty_interval=3, noise="uniform"
    ),
    "hinge, gradient clip, adamw": points(
        loss="hinge", grad_clip=0.5, optimizer_g="adamw", optimizer_d="adamw", weight_decay=0.01
    ),
    "relativistic, r1 and r2": points(loss="relativistic", penalty="r1_r2", penalty_weight=0.1),
    "r2, skip, two updates of G": points(penalty="r2", skip_d_below=1.39, g_steps=2),
    "frozen D": points(freeze_d=True, penalty="gradient_penalty", penalty_interval=3),
    "frozen G": points(freeze_g=True, loss="relativistic"),
    "average, cosine": points(ema_decay=0.9, lr_schedule="cosine", schedule_steps=20),
    "average, linear": points(ema_decay=0.5, lr_schedule="linear", schedule_steps=40, beta1=0.5),
    "packing": points(packing=2, penalty="r1", loss="hinge"),
    "unrolled": points(unroll_steps=2, penalty="none", grad_clip=1.0, optimizer_d="rmsprop"),
    "unrolled, relativistic, packing, skip": points(
        unroll_steps=3, loss="relativistic", packing=2, weight_clip=0.3, skip_d_below=0.6915
    ),
    "unrolled, lazy r1": points(unroll_steps=2, penalty="r1", penalty_interval=2, activation="tanh"),
    "bfloat16": points(precision="bfloat16", penalty="r1"),
    "own objective": lambda: gw.GANTrainer(
        "ring8", objective=Margin(), loss="own", penalty="own", penalty_interval=2, **POINTS
    ),
    "own networks": _own_networks,
    "dcgan": digits(ema_decay=0.9),
    "dcgan, frozen G": digits(freeze_g=True, loss="relativistic", penalty="r1"),
    "dcgan, skip, augmentation": digits(skip_d_below=1.32, augment="all", penalty="r1", penalty_interval=2),
    "dcgan, spectral norm, held out": digits(spectral_norm=True, loss="hinge", holdout=0.2),
    "resnet": lambda: gw.GANTrainer("digits", architecture="resnet", **IMAGES, loss="hinge"),
    "conditional": lambda: _labelled(**MLP_IMAGES, penalty="r1"),
    "conditional dcgan, relativistic": lambda: _labelled(
        architecture="dcgan", **IMAGES, loss="relativistic", ema_decay=0.8
    ),
    "conditional, frozen D": lambda: _labelled(**MLP_IMAGES, freeze_d=True),
    "conditional, packing of an unlabelled D": lambda: gw.GANTrainer(
        "digits", **MLP_IMAGES, packing=3, augment="translation"
    ),
    "changed on the way": points(penalty="r1", penalty_interval=4),
}

CHANGES: Mapping[str, Mapping[int, Mapping[str, Any]]] = {
    "changed on the way": {
        4: {"freeze_d": True, "ema_decay": 0.9},
        8: {"freeze_d": False, "penalty_interval": 3, "batch_size": 24},
        12: {"optimizer_d": "rmsprop", "lr_g": 0.01, "loss": "relativistic"},
        16: {"ema_decay": 0.0, "freeze_g": True, "precision": "bfloat16"},
        20: {"freeze_g": False, "precision": "float32", "unroll_steps": 1, "skip_d_below": 0.65},
    },
    "dcgan": {10: {"freeze_d": True}, 15: {"freeze_d": False, "freeze_g": True}, 20: {"freeze_g": False}},
}
"""Settings that are changed before a step of the run."""


def played(name: str) -> gw.GANTrainer:
    """Return the trainer `name` after its steps; halfway, each network is updated once alone."""
    trainer = TRAINERS[name]()
    for step in range(STEPS):
        changes = CHANGES.get(name, {}).get(step)
        if changes:
            trainer.change(**changes)
        if step == STEPS // 2:
            trainer.step_d()
            trainer.step_g()
        trainer.step()
    return trainer
