"""Recommended settings of each preset, and pretrained runs.

Each preset of points has settings that learn it well within a few thousand steps, and a small pretrained state:
networks, optimizers and counters, without history. ``scripts/train_starts.py`` trains these states. Their branch is
called ``pretrained``, so that users do not take it for their own run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from types import MappingProxyType
from typing import Any

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.runs.files.checkpoint import read_checkpoint
from ganwidgets.runs.record.interventions import CODE, Origin
from ganwidgets.runs.state.flatten import unflatten
from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["RECOMMENDED", "begin_pretrained", "pretrained", "recommended"]

BRANCH = "pretrained"
"""Branch name of a pretrained start."""


@dataclass(frozen=True)
class Recipe:
    """Recommendation for a preset.

    Attributes
    ----------
    settings : mapping
        Settings that differ from their defaults, by name.
    steps : int
        Iteration of the pretrained start; 0 if there is none.
    """

    settings: Mapping[str, Any]
    steps: int = 0


_SOFT = MappingProxyType(
    {"latent_dim": 2, "penalty": "r1", "penalty_weight": 0.02, "lr_g": 1e-3, "lr_d": 2e-3}
)
"""Clouds and curves: two-dimensional noise, so that the plane panel can show the generator's whole map."""

_TIGHT = MappingProxyType(
    {
        "latent_dim": 2,
        "g_hidden": (128, 128, 128),
        "d_hidden": (128, 128, 128),
        "activation": "relu",
        "penalty": "r1",
        "penalty_weight": 0.1,
        "batch_size": 256,
        "lr_g": 1e-3,
        "lr_d": 1e-3,
        "beta1": 0.5,
        "beta2": 0.9,
    }
)
"""Thin lines and tiny clusters, which a small generator smears."""

_CALM = MappingProxyType({**_TIGHT, "penalty_weight": 0.2, "lr_g": 5e-4})
"""Clusters that are small relative to their distances: a schedule keeps the modes once they are found."""

_MANY = MappingProxyType({**_TIGHT, "penalty_weight": 0.2, "lr_d": 2e-3})
"""Many such clusters: higher rates, because a slow run takes far longer to find them."""

_MLP = MappingProxyType(
    {
        "latent_dim": 100,
        "g_hidden": (128, 256, 512, 1024),
        "d_hidden": (1024, 512, 256),
        "lr_g": 2e-4,
        "lr_d": 2e-4,
        "beta1": 0.5,
        "beta2": 0.999,
        "batch_size": 64,
    }
)
"""The fully connected GAN that tutorials train on 28x28 digits; Adam as DCGAN has it."""

_DCGAN = MappingProxyType(
    {
        "architecture": "dcgan",
        "latent_dim": 64,
        "lr_g": 2e-4,
        "lr_d": 2e-4,
        "beta1": 0.5,
        "beta2": 0.999,
        "batch_size": 64,
    }
)
"""DCGAN's optimizer, for images of 8 to 128 pixels a side."""

_EQUALIZED = MappingProxyType(
    {
        "latent_dim": 32,
        "channels": 16,
        "batch_size": 16,
        "penalty": "r1",
        "beta1": 0.0,
        "beta2": 0.99,
        "ema_decay": 0.998,
        "ema_rampup": 0.05,
    }
)
"""Networks with equalized learning rates on small images: R1, and a moving average of G with a warm-up."""

_STYLEGAN3 = MappingProxyType(
    {
        **_EQUALIZED,
        "penalty_weight": 0.1,
        "penalty_interval": 16,
        "lr_g": 2.5e-3,
        "lr_d": 2e-3,
        "lr_schedule": "cosine",
        "schedule_steps": 6000,
        "schedule_end": 0.1,
    }
)
"""StyleGAN3 (Karras et al. 2021, appendix G) at 16x16 and 32x32; learns ten digits in ten minutes on one core."""

_GROWING = MappingProxyType({**_EQUALIZED, "penalty_weight": 1.0, "lr_g": 1e-3, "lr_d": 1e-3})

_R3GAN = MappingProxyType(
    {
        "architecture": "r3gan",
        "latent_dim": 64,
        "channels": 16,
        "batch_size": 32,
        "loss": "relativistic",
        "penalty": "r1_r2",
        "penalty_weight": 0.5,
        "penalty_end": 0.1,
        "lr_g": 2e-4,
        "lr_d": 2e-4,
        "lr_schedule": "cosine",
        "schedule_steps": 5000,
        "schedule_end": 0.25,
        "beta1": 0.0,
        "beta2": 0.95,
        "ema_decay": 0.998,
        "ema_rampup": 0.05,
    }
)
"""R3GAN's loss, penalties and schedules (Huang et al. 2024, appendix D); beta2 is the middle of its schedule."""

RECOMMENDED: Mapping[str, Recipe] = MappingProxyType(
    {
        "line": Recipe(_SOFT, 2000),
        "gaussians": Recipe(_SOFT, 3000),
        "ring": Recipe(_SOFT, 3000),
        "disjoint": Recipe(_SOFT, 4000),
        "ring8": Recipe(_CALM, 6000),
        "grid25": Recipe(_MANY, 8000),
        "spiral": Recipe(_TIGHT, 6000),
        "moons": Recipe(_SOFT, 4000),
        "digits": Recipe(_DCGAN),
        "digits_16": Recipe(_DCGAN),
        "digits_32": Recipe(_DCGAN),
        "mnist": Recipe(_MLP),
        "fashion_mnist": Recipe(_MLP),
        "cifar10": Recipe(_DCGAN),
        "stylegan3_t": Recipe({"architecture": "stylegan3_t", **_STYLEGAN3}),
        "stylegan3_r": Recipe({"architecture": "stylegan3_r", **_STYLEGAN3}),
        "progressive": Recipe({"architecture": "progressive", "growth_samples": 5000, **_GROWING}),
        "msg": Recipe({"architecture": "msg", **_GROWING}),
        "r3gan": Recipe(_R3GAN),
    }
)
"""Recommendation by name of a data preset or architecture."""


def recommended(preset: str) -> dict[str, Any]:
    """Return the recommended settings for a data preset or an architecture.

    ``GANTrainer("ring8", **recommended("ring8"))``, or ``GANTrainer(images, **recommended("stylegan3_t"))``.

    Raises
    ------
    DataError
        If there is no recommendation for this name.

    Examples
    --------
    >>> recommended("ring")["latent_dim"]
    2
    """
    return dict(_known(preset).settings)


def pretrained(preset: str) -> GANTrainer:
    """Return a trainer on a preset of points, with pretrained networks.

    Raises
    ------
    DataError
        If there is no pretrained start for this name.

    Examples
    --------
    >>> trainer = pretrained("gaussians")
    >>> trainer.iteration, trainer.timeline.branch
    (3000, 'pretrained')
    """
    trainer = GANTrainer(preset, **recommended(preset))
    begin_pretrained(trainer, preset)
    return trainer


def begin_pretrained(trainer: GANTrainer, preset: str, origin: Origin = CODE) -> None:
    """Switch a trainer with built-in networks to a preset's pretrained start, on a new branch.

    Raises
    ------
    DataError
        If there is no pretrained start for this name.
    CheckpointError
        If the trainer has own networks.
    """
    steps = _known(preset).steps
    if not steps:
        raise DataError(
            Message(
                "nothing was trained for {preset!r} before; there is a start for {known}",
                preset=preset,
                known=", ".join(name for name, about in RECOMMENDED.items() if about.steps),
            )
        )
    with as_file(files(__package__) / "pretrained" / f"{preset}.gan") as path:
        tensors, document = read_checkpoint(path)
    reason = Message("{preset}, trained before for {steps} steps", preset=preset, steps=steps)
    state = unflatten(document["state"], "state", tensors)
    origin = replace(origin, reason=str(reason))
    trainer._between_steps(lambda: trainer._session.load_tree(state, origin, BRANCH))


def _known(preset: str) -> Recipe:
    if preset not in RECOMMENDED:
        raise DataError(
            Message(
                "nothing is recommended for {preset!r}; presets are {known}",
                preset=preset,
                known=", ".join(RECOMMENDED),
            )
        )
    return RECOMMENDED[preset]
