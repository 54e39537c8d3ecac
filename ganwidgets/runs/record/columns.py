"""Columns of a history, and the iterations at which they have values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ganwidgets.games.game import Game
from ganwidgets.games.gan import GAN

__all__ = [
    "CLASSIC",
    "PROGRESS",
    "Columns",
    "columns_of",
    "completed",
    "measured",
    "measured_until",
    "measurements",
]

Floats = npt.NDArray[np.float64]
Iterations = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """The columns of a game, without ``iteration``.

    Attributes
    ----------
    dense : tuple of str
        With a value in every row.
    sparse : tuple of str
        With a value in rows that are :func:`measured`.
    optional : tuple of str
        Kept in the same rows as the sparse ones, and listed once a value was recorded. The record of a step lacks
        them, and so do runs of older versions.
    """

    dense: tuple[str, ...]
    sparse: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def listed(self) -> tuple[str, ...]:
        """The columns of every record."""
        return (*self.dense, *self.sparse)


def columns_of(game: Game | type[Game]) -> Columns:
    """Return the columns of `game`."""
    losses = (f"loss_{player.letter}" for player in game.players)
    norms = (f"grad_norm_{player.letter}" for player in game.players)
    always = (name for name in game.measures if name not in game.optional_measures)
    return Columns((*losses, *game.terms), (*norms, *always), game.optional_measures)


CLASSIC = columns_of(GAN)
"""Columns of a generator against a discriminator."""

PROGRESS = ("samples_seen", "seconds")
"""Axes for curves besides iterations: real samples drawn so far, and seconds of updates so far.
They are kept in the rows of the sparse columns and are not listed: runs that are equal differ in their seconds."""


def measured(iteration: int) -> bool:
    """Return True if the costlier columns are measured at `iteration`: the first, and each tenth."""
    return iteration % 10 == 0 or iteration == 1


def measurements(rows: int) -> int:
    """Return the number of measured iterations among the first `rows`."""
    return min(rows, 1) + rows // 10


def measured_until(rows: int, after: int = 0) -> Iterations:
    """Return the measured iterations up to `rows`; with `after`, those after that iteration."""
    tenths = np.arange(after // 10 * 10 + 10, rows + 1, 10, dtype=np.int64)
    return np.concatenate([np.ones(min(rows, 1), dtype=np.int64), tenths]) if after == 0 else tenths


def completed(columns: Mapping[str, Floats], of: Columns = CLASSIC) -> dict[str, Floats]:
    """Return stored columns with those added by later versions, filled with NaN."""
    unmeasured = np.full(len(columns.get(of.sparse[0], ())), np.nan)
    return {**columns, **{name: unmeasured for name in (*of.optional, *PROGRESS) if name not in columns}}
