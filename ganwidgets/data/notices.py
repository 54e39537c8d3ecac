"""Data warnings with the location of the user's own code."""

from __future__ import annotations

import sys
import warnings

from ganwidgets.errors import DataWarning
from ganwidgets.messages import Message

__all__ = ["warn_of_data"]

_PACKAGE = __name__.split(".", 1)[0]


def warn_of_data(sentence: Message) -> None:
    """Issue a `DataWarning` at the innermost call that does not belong to this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".", 1)[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence, DataWarning, stacklevel=level)
