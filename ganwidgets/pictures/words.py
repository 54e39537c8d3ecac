"""What people call how a run stands."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..messages import N_

__all__ = ["STATES", "spell_count"]

STATES: Mapping[str, str] = MappingProxyType(
    {
        "idle": N_("ready"),
        "running": N_("running"),
        "paused": N_("paused"),
        "diverged": N_("diverged"),
        "error": N_("stopped by an error"),
    }
)
"""What people call each status."""


def spell_count(value: int, space: str = "\N{NARROW NO-BREAK SPACE}") -> str:
    """Return a whole number with a space between its thousands.

    >>> spell_count(1234567).split()
    ['1', '234', '567']
    """
    return f"{value:,}".replace(",", space)
