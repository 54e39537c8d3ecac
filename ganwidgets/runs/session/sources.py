"""Cache of the sources of a run's data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ganwidgets.data import Source
from ganwidgets.games import Game
from ganwidgets.runs.record.branches import BranchStart
from ganwidgets.stepping.streams.game_data import load_for

__all__ = ["KnownSource", "Sources"]

KnownSource = tuple[Any, Source]
"""Data as the user passed it, and its source."""


class Sources:
    """The sources of all fresh starts of a run, and of the last two other data.

    Parameters
    ----------
    game : Game
        Decides how data is read.
    roots : callable
        Returns the first states of the run's branches.
    known : iterable of (data, Source)
        Sources of another run, which need not be read again.
    """

    def __init__(
        self, game: Game, roots: Callable[[], Iterable[BranchStart]], known: Iterable[KnownSource]
    ) -> None:
        self._game = game
        self._roots = roots
        self._asked = list(known)

    @property
    def known(self) -> list[KnownSource]:
        """All sources in memory."""
        began = [(root.built["data"], root.source) for root in self._roots()]
        return [*began, *self._asked]

    def of(self, data: Any) -> Source:
        """Return the source of `data`, read if it is not cached.

        Raises
        ------
        DataError
            If it cannot be trained on.
        """
        for known, source in self.known:
            if known is data or (isinstance(data, str) and isinstance(known, str) and known == data):
                return source
        source = load_for(self._game, data)
        self._asked = [*self._asked[-1:], (data, source)]
        return source
