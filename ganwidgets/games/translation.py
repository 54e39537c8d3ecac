"""Declarations that the games of image translation share."""

from __future__ import annotations

from ganwidgets.games.game import Stage
from ganwidgets.messages import N_
from ganwidgets.settings.types import IntSetting

__all__ = ["CHANNELS", "STAGES"]

CHANNELS = IntSetting(
    24,
    min=1,
    max=512,
    scale="logarithmic",
    slider=(4, 128),
    label=N_("Channels"),
    unit=N_("per layer, at least"),
    help=N_("How many feature maps the layers with the largest images hold."),
    group="fresh start",
    effect="fresh start",
)
"""The width of U-Nets and of patch discriminators."""

STAGES = (Stage("generate", N_("Translate")), Stage("classify", N_("Classify")))
