"""Settings of a latent explorer, with their bounds and help texts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ganwidgets.messages import Message, N_
from ganwidgets.settings import FloatSetting, IntSetting, Setting, SettingOwner

__all__ = ["CHOICES", "DIRECTIONS", "LatentTraits"]

DIRECTIONS = 4
"""Number of principal directions with a slider."""


def _direction(number: int) -> FloatSetting:
    return FloatSetting(
        0.0,
        min=-20,
        max=20,
        slider=(-4, 4),
        label=Message("Direction {number}", number=number),
        unit=N_("deviations"),
        help=N_("Moves the styles along a principal direction of w, in standard deviations."),
        group="run",
    )


class LatentTraits(SettingOwner):
    """The place in the latent space, as traits."""

    x = FloatSetting(
        0.0,
        min=-(2**31),
        max=2**31,
        slider=(0, 99),
        label=N_("Seed, across"),
        help=N_("Whole numbers are seeds; between them, w is a mixture of neighbours."),
        group="run",
    )
    y = FloatSetting(
        0.0,
        min=-(2**31),
        max=2**31,
        slider=(0, 99),
        label=N_("Seed, down"),
        unit=N_("hundreds"),
        help=N_("One step down is a hundred seeds further."),
        group="run",
    )
    truncation_psi = FloatSetting(
        0.7,
        min=-2,
        max=2,
        slider=(-1, 1.5),
        label=N_("Truncation"),
        help=N_(
            "How far styles go from their mean: 0 is the mean image, 1 the plain network, -1 the opposite."
        ),
        group="run",
    )
    truncation_cutoff = IntSetting(
        0,
        min=0,
        max=64,
        slider=(0, 16),
        zero=N_("all"),
        label=N_("Truncated styles"),
        unit=N_("from the coarsest"),
        help=N_("How many styles are truncated, from the coarsest on; 0 truncates all."),
        group="run",
    )
    mix_seed = IntSetting(
        1,
        min=0,
        max=2**31,
        slider=(0, 99),
        label=N_("Seed of the other styles"),
        help=N_("The layers switched on below take their styles from this seed."),
        group="run",
    )
    tx = FloatSetting(
        0.0,
        min=-2,
        max=2,
        slider=(-0.5, 0.5),
        label=N_("Move right"),
        unit=N_("image sides"),
        help=N_("Translates the input of the network; an equivariant network moves its image exactly along."),
        group="run",
    )
    ty = FloatSetting(
        0.0,
        min=-2,
        max=2,
        slider=(-0.5, 0.5),
        label=N_("Move down"),
        unit=N_("image sides"),
        help=N_("Translates the input of the network; an equivariant network moves its image exactly along."),
        group="run",
    )
    rotation = FloatSetting(
        0.0,
        min=-360,
        max=360,
        slider=(-180, 180),
        label=N_("Turn"),
        unit=N_("degrees"),
        help=N_("Rotates the input of the network, counterclockwise."),
        group="run",
    )
    label = IntSetting(
        0,
        min=0,
        max=9999,
        slider=(0, 9),
        label=N_("Class"),
        help=N_("The class that a conditional network shows."),
        group="run",
    )
    direction_1 = _direction(1)
    direction_2 = _direction(2)
    direction_3 = _direction(3)
    direction_4 = _direction(4)


CHOICES: Mapping[str, Setting[Any]] = MappingProxyType(
    {name: trait for name, trait in vars(LatentTraits).items() if isinstance(trait, Setting)}
)
"""The settings by name, in display order."""
