"""Meaning of each colour: Okabe and Ito's palette, suitable for colour-blind people.

Colour is never the only distinction: real and generated samples also differ in their markers, the two networks'
curves in their dashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["DISCRIMINATOR", "GENERATED", "GENERATOR", "REAL", "TONES", "rgb"]

REAL = "#0072B2"
GENERATED = "#D55E00"
DISCRIMINATOR = "#009E73"
GENERATOR = "#CC79A7"

TONES: Mapping[str, str] = MappingProxyType(
    {
        "d": DISCRIMINATOR,
        "g": GENERATOR,
        "real": REAL,
        "generated": GENERATED,
        "other-1": "#8D7BC4",
        "other-2": "#96742F",
        "other-3": "#767676",
    }
)
"""The colour of each tone of :mod:`ganwidgets.rendering.drawing.tones`, readable on light and dark ground."""


def rgb(color: str) -> tuple[int, int, int]:
    """Return red, green and blue of a colour such as ``"#0072B2"``, each from 0 to 255.

    >>> rgb("#0072B2")
    (0, 114, 178)
    """
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
