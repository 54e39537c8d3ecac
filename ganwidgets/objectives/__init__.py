"""Losses, penalties, packing and augmentation of the classic game."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from ganwidgets.objectives.adaptive_augmentation import Control, adapted, augmented_with, drawn_transforms
from ganwidgets.objectives.augment import AUGMENTATIONS, augmented, drawn_change
from ganwidgets.objectives.costs import costs_d, costs_g
from ganwidgets.objectives.custom import Objective, checked, loss_named, name_of, with_defaults
from ganwidgets.objectives.losses import LOSSES, Loss
from ganwidgets.objectives.packing import copies, pack, packed_shape
from ganwidgets.objectives.penalties import PENALTIES, Penalty, SlopePenalty, slope

__all__ = [
    "AUGMENTATIONS",
    "LOSSES",
    "PENALTIES",
    "Control",
    "Loss",
    "Objective",
    "Penalty",
    "SlopePenalty",
    "adapted",
    "augmented",
    "augmented_with",
    "checked",
    "copies",
    "costs_d",
    "costs_g",
    "drawn_change",
    "drawn_transforms",
    "loss_named",
    "name_of",
    "pack",
    "packed_shape",
    "slope",
    "with_defaults",
]


def __getattr__(name: str) -> Callable[..., Loss]:
    if name == "game":
        warnings.warn("ganwidgets.objectives.game is called loss_named", DeprecationWarning, stacklevel=2)
        return loss_named
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
