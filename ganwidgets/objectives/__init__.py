"""The game: what the two networks are scored by, and what the discriminator gets to see."""

from __future__ import annotations

from .augment import AUGMENTATIONS, augmented
from .losses import LOSSES, Loss
from .own import Objective, checked, complete, game, name_of
from .packing import copies, pack, packed_shape
from .penalties import PENALTIES, Penalty

__all__ = [
    "AUGMENTATIONS",
    "LOSSES",
    "PENALTIES",
    "Loss",
    "Objective",
    "Penalty",
    "augmented",
    "checked",
    "complete",
    "copies",
    "game",
    "name_of",
    "pack",
    "packed_shape",
]
