"""Where to begin: settings that suit a preset, and runs on it that were trained before.

Each preset of points has settings under which it is learnt well within a few thousand steps, and a
state of such a run, trained by ``scripts/train_starts.py`` and kept small: networks, optimizers and
counters, but no history. Its branch is called ``pretrained``, so that it is never taken for the reader's own run.
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
"""The name of the branch that begins with a state that was trained before."""


@dataclass(frozen=True)
class Recipe:
    """What suits a preset.

    Attributes
    ----------
    settings : mapping
        Settings that differ from their defaults, by name.
    steps : int
        After how many steps the pretrained start was stored; 0 where there is none.
    """

    settings: Mapping[str, Any]
    steps: int = 0


_SOFT = MappingProxyType(
    {"latent_dim": 2, "penalty": "r1", "penalty_weight": 0.02, "lr_g": 1e-3, "lr_d": 2e-3}
)
"""For clouds and curves: noise of two dimensions, so that the generator's whole map of the plane can be seen."""

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
"""For thin lines and tiny clusters, which a small generator only smears over."""

_CALM = MappingProxyType({**_TIGHT, "penalty_weight": 0.2, "lr_g": 5e-4})
"""For clusters that are tiny beside their distances: at constant rates, what keeps them once they are found."""

_MANY = MappingProxyType({**_TIGHT, "penalty_weight": 0.2, "lr_d": 2e-3})
"""For many such clusters, which a calmer run takes far longer to find."""

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
"""DCGAN's own optimizer, for images of 8 to 128 pixels a side."""

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
"""For networks with equalized learning rates, on small images: R1, and an average of G that starts fast."""

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
"""StyleGAN3's training (Karras et al. 2021, appendix G) for 16x16 and 32x32; all ten digits in ten minutes of a core."""

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
"""R3GAN's loss, penalties and schedules (Huang et al. 2024, appendix D), beta 2 in the middle of its own schedule."""

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
"""For each preset of data, and for each architecture that needs other settings than the defaults, by its name."""


def recommended(preset: str) -> dict[str, Any]:
    """Return settings that suit a preset of data or an architecture, by name.

    ``GANTrainer("ring8", **recommended("ring8"))``, or ``GANTrainer(images, **recommended("stylegan3_t"))``.

    Raises
    ------
    DataError
        If there are none for that name.

    Examples
    --------
    >>> recommended("ring")["latent_dim"]
    2
    """
    return dict(_known(preset).settings)


def pretrained(preset: str) -> GANTrainer:
    """Return a trainer on a preset of points whose networks have learnt it already; it goes on from there.

    Raises
    ------
    DataError
        If nothing was trained for that name.

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
    """Let a trainer with built-in networks go on from a preset's pretrained start, on a branch of its own.

    Raises
    ------
    DataError
        If nothing was trained for that name.
    CheckpointError
        If the trainer has networks of its own.
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
