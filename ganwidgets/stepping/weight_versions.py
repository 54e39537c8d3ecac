"""Detection of weight changes by another thread during updates, by torch's version counters.

:mod:`~ganwidgets.stepping.hand_edits` compares contents, but only between two calls of the trainer. Between the updates of
one call, a cell may change a weight that the next update is computed from. A counter per parameter is cheap enough to be
read in every update. Writing through ``parameter.data`` or NumPy leaves it as it is, and is not found here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

from torch import Tensor

__all__ = ["WeightVersions"]


_VERSION = attrgetter("_version")


class WeightVersions:
    """The version counters of all parameters after the last update.

    Attributes
    ----------
    changed : list of Tensor
        Parameters that were changed, but not by an update, since :meth:`forget` was called.
    """

    def __init__(self) -> None:
        self.changed: list[Tensor] = []
        self._seen: dict[str, list[int]] = {}
        self._at = -1
        self._moving: dict[str, set[int]] = {}

    def forget(self) -> None:
        """Allow any change until the next update begins."""
        self.changed = []
        self._at = -1

    def begin(self, parameters: Mapping[str, Sequence[Tensor]], iteration: int) -> None:
        """Note that updates begin; what changed since :meth:`end` at the same `iteration` is found by them."""
        if self._at != iteration:
            self._seen = {player: _versions(tensors) for player, tensors in parameters.items()}

    def before_update(self, player: str, parameters: Sequence[Tensor]) -> None:
        """Compare the parameters of `player` with those after its last update."""
        now = _versions(parameters)
        if now != self._seen[player] or player not in self._moving:
            self._compare(player, parameters, now)

    def after_update(self, player: str, parameters: Sequence[Tensor]) -> None:
        """Note that an update changed the parameters of `player`."""
        self._seen[player] = _versions(parameters)

    def end(self, parameters: Mapping[str, Sequence[Tensor]], iteration: int) -> None:
        """Compare the parameters of all players after the last update that led to `iteration`."""
        self._at = iteration
        for player, tensors in parameters.items():
            now = _versions(tensors)
            if now != self._seen[player]:
                self._compare(player, tensors, now)
                self._seen[player] = now

    def _compare(self, player: str, parameters: Sequence[Tensor], now: list[int]) -> None:
        differ = [i for i, (a, b) in enumerate(zip(self._seen[player], now, strict=True)) if a != b]
        # A layer may change its own weights when it is called, such as an embedding with max_norm.
        moving = self._moving.setdefault(player, set(differ))
        self.changed += [parameters[index] for index in differ if index not in moving]


def _versions(parameters: Sequence[Tensor]) -> list[int]:
    return list(map(_VERSION, parameters))
