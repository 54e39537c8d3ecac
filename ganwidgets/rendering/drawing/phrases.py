"""Texts for statuses, interventions and values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ganwidgets.messages import Catalog, N_
from ganwidgets.runs.record.interventions import EDIT, SWITCH, Intervention, is_update
from ganwidgets.settings import SETTINGS, BoolSetting, ChoiceSetting, Setting

__all__ = ["NONE", "STATES", "described", "spell_count", "spell_loss", "value_in_words"]

NONE = "\N{EN DASH}"
"""Text for a missing number."""

STATES: Mapping[str, str] = MappingProxyType(
    {
        "idle": N_("ready"),
        "running": N_("running"),
        "paused": N_("paused"),
        "diverged": N_("diverged"),
        "error": N_("stopped by an error"),
    }
)
"""Text of each status."""


def spell_count(value: int, space: str = "\N{NARROW NO-BREAK SPACE}") -> str:
    """Return a whole number with a space between its thousands.

    >>> spell_count(1234567).split()
    ['1', '234', '567']
    """
    return f"{value:,}".replace(",", space)


def spell_loss(value: float | None) -> str:
    """Return a loss as text.

    >>> spell_loss(0.69), spell_loss(12345.0)
    ('0.690', '1.23e+04')
    """
    if value is None:
        return NONE
    return f"{value:.3f}" if math.isfinite(value) and abs(value) < 1000 else f"{value:.3g}"


AUTHORS = {
    "user": N_("by a control"),
    "cell": N_("by code"),
    "rule": N_("by a rule"),
    "compiler": N_("by the compiler"),
}

ACTIONS = {
    "step_d": N_("Step D, {count} times"),
    "step_g": N_("Step G, {count} times"),
    "reset": N_("Fresh start with seed {count}"),
    EDIT: N_("Changed by hand: {count}"),
    SWITCH: N_("Steps carried out by {count}"),
    "load": N_("A state of iteration {count} loaded"),
}


def described(
    record: Intervention, catalog: Catalog, definitions: Mapping[str, Setting[Any]] = SETTINGS
) -> str:
    """Return one intervention as a sentence: setting, old and new value, iteration, author, and reason."""
    if record.setting in ACTIONS:
        what = catalog(ACTIONS[record.setting], count=record.new)
    elif is_update(record.setting):
        letter = record.setting[-1].upper()
        what = catalog(N_("Step {letter}, {count} times"), letter=letter, count=record.new)
    else:
        setting = definitions[record.setting]
        what = (
            f"{catalog(setting.label)}: {value_in_words(record.setting, record.old, catalog, definitions)} → "
            f"{value_in_words(record.setting, record.new, catalog, definitions)}"
        )
    when = catalog(N_("after iteration {iteration}"), iteration=spell_count(record.iteration))
    who = "" if record.setting == EDIT else f", {catalog(AUTHORS.get(record.author, record.author))}"
    return f"{what}, {when}{who}" + (f": {record.reason}" if record.reason else "")


def value_in_words(
    name: str, value: Any, catalog: Catalog, definitions: Mapping[str, Setting[Any]] = SETTINGS
) -> str:
    """Return a setting's value as text."""
    setting = definitions[name]
    if isinstance(setting, BoolSetting):
        return catalog(N_("on")) if value else catalog(N_("off"))
    if isinstance(setting, ChoiceSetting):
        return catalog(setting.label_of(value))
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
