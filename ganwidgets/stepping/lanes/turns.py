"""Which lanes take part in the updates of a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ganwidgets.games.gan import DISCRIMINATOR, GENERATOR
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.lanes.parts import Part

__all__ = ["LETTERS", "LaneTurns"]

LETTERS = {DISCRIMINATOR: "d", GENERATOR: "g"}


class LaneTurns:
    """The updates of a step, each with the lanes that carry it out, and the counts of lazy penalties.

    Parameters
    ----------
    engines : sequence of Engine
        One for each lane.
    copies : int
        Number of copies after the last lane.
    penalized : bool
        True if the loss of D has a penalty.

    Attributes
    ----------
    every : Part
        All lanes.
    updates : dict of str to list of int
        Updates of each player in a step, by lane; 0 for a frozen one.
    frozen : dict of str to Part or None
        The lanes in which a player is only measured; None if there is none.
    counts : list of int
        The updates of D in each lane since its last multiple of `penalty_interval`.
    """

    def __init__(self, engines: Sequence[Engine], copies: int, *, penalized: bool) -> None:
        self._engines, self._copies, self._penalized = engines, copies, penalized
        self._period: int = engines[0].settings.penalty_interval
        self._parts: dict[tuple[int, ...], Part] = {}
        self.every = self._part(range(len(engines)))
        self.updates: dict[str, list[int]] = {}
        self.frozen: dict[str, Part | None] = {}
        self._lanes: dict[str, list[list[int]]] = {}
        rules = [engine.settings for engine in engines]
        for name, letter in LETTERS.items():
            frozen = [lane for lane, each in enumerate(rules) if getattr(each, f"freeze_{letter}")]
            updates = [getattr(each, f"{letter}_steps") for each in rules]
            self.frozen[name] = self._part(frozen) if frozen else None
            self.updates[name] = [0 if lane in frozen else n for lane, n in enumerate(updates)]
            self._lanes[name] = [
                [lane for lane, n in enumerate(self.updates[name]) if n > index]
                for index in range(max(self.updates[name]))
            ]
        self.read()

    def read(self) -> None:
        """Copy the counts from the states of the lanes."""
        self.counts = [engine.state.counts[DISCRIMINATOR] for engine in self._engines]

    def _part(self, lanes: Sequence[int]) -> Part:
        key = tuple(lanes)
        if key not in self._parts:
            self._parts[key] = Part(key, len(self._engines), self._copies)
        return self._parts[key]

    def of(self, player: str) -> Iterator[tuple[Part, bool]]:
        """Yield the parts of all updates of a player in order, each with True if it is a lane's last update."""
        for index, lanes in enumerate(self._lanes[player]):
            for part in self._parted(player, lanes):
                yield part, any(self.updates[player][lane] == index + 1 for lane in part.lanes)

    def _parted(self, player: str, lanes: list[int]) -> list[Part]:
        """Divide lanes into those whose next update of a player has a penalty, and the others."""
        if player == GENERATOR or not self._penalized:
            return [self._part(lanes)]
        due = [lane for lane in lanes if self._due(lane)]
        rest = [lane for lane in lanes if not self._due(lane)]
        return [self._part(each) for each in (due, rest) if each]

    def _due(self, lane: int) -> bool:
        return self.counts[lane] % self._period == 0

    def penalized(self, part: Part) -> bool:
        """Return True if the next update of D has a penalty in the lanes of `part`, which agree."""
        return self._penalized and self._due(part.lanes[0])

    def count(self, part: Part, updates: int = 1) -> None:
        """Count updates of D in the lanes of `part`."""
        for lane in part.lanes:
            self.counts[lane] = (self.counts[lane] + updates) % self._period

    @property
    def together(self) -> bool:
        """True if all lanes take part in every update."""
        return not any(self.frozen.values()) and all(
            [part.whole for part in self._parted(name, lanes)] == [True]
            for name, updates in self._lanes.items()
            for lanes in updates
        )
