"""Columns of the history that a class can see and draw: the losses, and the measures that every record has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ganwidgets.games.game import Game
from ganwidgets.games.gan import GAN
from ganwidgets.messages import Message
from ganwidgets.rendering.drawing.tones import column_tones, player_tones
from ganwidgets.runs.record.columns import columns_of
from ganwidgets.runs.record.history import History
from ganwidgets.widgets.panels.charts.offered_curves import COLUMNS

__all__ = ["ClassColumn", "class_columns", "drawn_axis", "filled", "rows_of"]

Floats = npt.NDArray[np.float64]

SHARES = {"share", "probability"}
"""Units of values from 0 to 1."""

LEAST_LOSS = 3.0
"""Minimum upper end of the axis for a drawn loss."""

MOST_ROWS = 300
"""Maximum number of earlier rows that a class gets when its curves are chosen."""


@dataclass(frozen=True)
class ClassColumn:
    """A column that a class can see.

    Attributes
    ----------
    label : str or Message
        To be translated.
    tone : str
    unit : str
        ``"loss"``, ``"share"``, ``"norm"``, or empty if unknown.
    """

    label: str | Message
    tone: str
    unit: str


def class_columns(game: Game) -> dict[str, ClassColumn]:
    """Return the columns of `game` that a class can see, by name, losses first."""
    players = player_tones(game.players)
    tones = {
        **column_tones(game),
        **{f"grad_norm_{player.letter}": players[player.name] for player in game.players},
        "accuracy_real": "real",
        "accuracy_fake": "generated",
    }
    found = {}
    for name in columns_of(game).listed:
        label: str | Message = name.replace("_", " ")
        unit = ""
        if name in game.losses:
            label, unit = game.losses[name], "loss"
        elif isinstance(game, GAN) and name in COLUMNS:
            label, unit, _ = COLUMNS[name]
        elif name.startswith("grad_norm_"):
            letter = name.removeprefix("grad_norm_")
            label, unit = Message("gradient norm of {player}", player=letter.upper()), "norm"
        found[name] = ClassColumn(label, tones.get(name, "text"), unit)
    return found


def filled(values: npt.ArrayLike) -> Floats:
    """Return values with each NaN replaced by the value before it; a costly column is measured each tenth step only."""
    found = np.asarray(values, dtype=np.float64)
    known = np.where(np.isnan(found), 0, np.arange(len(found)))
    result: Floats = found[np.maximum.accumulate(known)] if len(found) else found
    return result


def rows_of(history: History, names: Sequence[str]) -> list[list[float | None]]:
    """Return rows ``[iteration, a value of each column]`` of the whole history, thinned; None for what is not finite."""
    columns = [filled(history[name]) for name in names]
    count = min(map(len, columns))
    places = np.unique(np.linspace(0, count - 1, min(count, MOST_ROWS)).astype(int))
    return [
        [int(at) + 1, *(float(column[at]) if np.isfinite(column[at]) else None for column in columns)]
        for at in places
    ]


def drawn_axis(values: npt.ArrayLike, unit: str) -> tuple[float, float]:
    """Return the axis on which a class draws the future of a column.

    Shares have 0 to 1. A loss has 0 to 3, or more if its last values need it; others have room above their last values.
    """
    if unit in SHARES:
        return 0.0, 1.0
    last = np.asarray(values, dtype=np.float64)[-100:]
    last = last[np.isfinite(last)]
    low, high = (last.min(), last.max()) if len(last) else (0.0, 0.0)
    least = LEAST_LOSS if unit == "loss" else 0.0
    top = max(least, 2 * high) or 1.0
    return float(f"{min(0.0, 2 * low):.1g}"), float(f"{top:.1g}")
