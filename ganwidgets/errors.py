"""Exceptions and warnings of the package.

Every message names the thing, the value and the remedy. It is a :class:`ganwidgets.messages.Message`, whose
template the widget translates into the reader's language.
"""

from __future__ import annotations

__all__ = [
    "CheckpointError",
    "CheckpointWarning",
    "ClusterError",
    "CompilerError",
    "CompilerWarning",
    "DataError",
    "DataWarning",
    "DivergedError",
]


class DataError(ValueError):
    """The data cannot be trained on: missing, empty, non-finite, or of the wrong shape or range."""


class DataWarning(UserWarning):
    """Part of the data cannot be used. Training uses the rest, and the message says what was left out."""


class CheckpointError(Exception):
    """A saved run cannot be restored: it is damaged, foreign, or does not match the arguments."""


class CheckpointWarning(UserWarning):
    """Part of a stored run is lost. The rest is intact, and the message says what is missing."""


class ClusterError(RuntimeError):
    """The workers of a cluster are gone. The runs of the sweep are as before the call that raised it."""


class CompilerError(RuntimeError):
    """A step cannot be compiled: there is no C++ compiler, or it failed."""


class CompilerWarning(UserWarning):
    """A run with ``compiled=True`` trains eagerly instead; the message says why."""


class DivergedError(ArithmeticError):
    """Training produced a number that is not finite.

    The trainer that raised it is restored to its last good state: the last iteration after which every
    loss, parameter and buffer was finite.

    Attributes
    ----------
    iteration : int
        The trainer's current iteration.
    """

    def __init__(self, message: str, iteration: int) -> None:
        super().__init__(message)
        self.iteration = iteration
