"""What can go wrong, by name.

Every message says which thing, which value, and what to do about it, and every message can be
translated: it is a :class:`ganwidgets.messages.Message`, whose template the widget looks up in
the reader's language.
"""

from __future__ import annotations

__all__ = [
    "CheckpointError",
    "CheckpointWarning",
    "CompilerError",
    "CompilerWarning",
    "DataError",
    "DataWarning",
    "DivergedError",
]


class DataError(ValueError):
    """Data that cannot be trained on: missing, empty, non-finite, of the wrong shape or range."""


class DataWarning(UserWarning):
    """Data of which a part cannot be used; the rest is trained on, and the message says what is left out."""


class CheckpointError(Exception):
    """A saved run that cannot be restored: damaged, foreign, or not matching what was passed."""


class CheckpointWarning(UserWarning):
    """A stored run of which a part is lost; the rest is sound, and the message says what it is."""


class CompilerError(RuntimeError):
    """A step that cannot be compiled: there is no C++ compiler, or it failed."""


class CompilerWarning(UserWarning):
    """A run that was to be compiled stays eager; the message says why."""


class DivergedError(ArithmeticError):
    """Training produced a number that is not finite.

    The trainer that raised it stands at its last good state: the last iteration after which every
    loss, parameter and buffer was finite.

    Attributes
    ----------
    iteration : int
        The iteration the trainer stands at.
    """

    def __init__(self, message: str, iteration: int) -> None:
        super().__init__(message)
        self.iteration = iteration
