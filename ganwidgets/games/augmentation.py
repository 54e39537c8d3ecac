"""Augmentation of the images that a discriminator judges, fixed or adaptive, and its control in a run's state."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ganwidgets.games.game import Turn
from ganwidgets.objectives import (
    Control,
    Loss,
    adapted,
    augmented_with,
    drawn_change,
    drawn_transforms,
)

__all__ = ["ADAPTIVE", "CONTROL", "adapted_control", "change_of_batch", "first_control", "probability"]

ADAPTIVE = "ada"
"""Value of the setting `augment` whose probability may follow D."""

CONTROL = "augmentation"
"""Name of the game's tensor that holds a :class:`~ganwidgets.objectives.Control`, float64 [4]."""


def first_control() -> Tensor:
    """Return the control at the start of a run."""
    return torch.tensor(Control(), dtype=torch.float64)


def change_of_batch(images: Tensor, turn: Turn) -> Callable[[Tensor], Tensor]:
    """Draw how each image [N, C, H, W] of a batch is augmented."""
    kind, random = turn.settings.augment, turn.random["augment"]
    n, _, height, width = images.shape
    if kind == ADAPTIVE:
        return functools.partial(augmented_with, transforms=drawn_transforms(n, probability(turn), random))
    return drawn_change(kind, n, height, width, random)


def _control(turn: Turn) -> Control:
    return Control(*turn.memory[CONTROL].tolist())


def probability(turn: Turn) -> float:
    """Return the probability of each image change under adaptive augmentation."""
    settings = turn.settings
    return _control(turn).p if settings.augment_target > 0 else float(settings.augment_p)


def adapted_control(loss: Loss, real: Tensor, fake: Tensor, turn: Turn) -> Mapping[str, Tensor]:
    """Return the control of adaptive augmentation after this update of D; empty if it is not adaptive."""
    settings = turn.settings
    if settings.augment != ADAPTIVE or settings.augment_target == 0:
        return {}
    signs = torch.sign(real - loss.threshold(real, fake))
    moved = adapted(_control(turn), signs, settings.augment_target, settings.augment_samples)
    return {CONTROL: torch.tensor(moved, dtype=torch.float64)}
