"""Detection of weight changes by another thread while updates go on.

:mod:`~ganwidgets.stepping.edits.hand_edits` compares contents between two calls of the trainer. Between the updates of one call, a
cell may change a weight that the next update is computed from. A version counter per parameter shows most changes, and
is cheap enough to be read in every update. Writing through ``parameter.data`` or NumPy leaves the counter as it is, so contents
are compared too whenever another Python thread is alive that could write. Buffers are not compared: a forward pass of an
update changes them as well.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

import torch
from torch import Tensor

from ganwidgets.stepping.modules.joined_copies import JoinedCopies, bits_equal

__all__ = ["ForeignWrites"]


_VERSION = attrgetter("_version")


class _Contents(NamedTuple):
    """Values of the parameters at one moment."""

    pointers: Sequence[int]
    joined: JoinedCopies
    copies: Sequence[Tensor]

    def equals(self, other: _Contents) -> bool:
        return self.pointers == other.pointers and all(map(torch.equal, self.copies, other.copies))

    def parts(self) -> list[Tensor]:
        return self.joined.parts(self.copies)


class ForeignWrites:
    """Finds parameters that something else than an update changed.

    Attributes
    ----------
    changed : list of Tensor
        Parameters that were changed since :meth:`forget` was called.
    """

    def __init__(self) -> None:
        self.changed: list[Tensor] = []
        self._parameters: list[Tensor] = []
        self._versions: list[int] = []
        self._contents: _Contents | None = None
        """None if no other thread was alive when the updates began."""
        self._threaded = False
        self._at = -1
        self._moving: dict[str, set[int]] = {}

    def forget(self) -> None:
        """Allow any change until the next update begins."""
        self.changed = []
        self._at = -1

    def begin(self, parameters: Mapping[str, Sequence[Tensor]], iteration: int) -> None:
        """Begin a series of updates; changes since :meth:`end` at the same `iteration` are detected."""
        threaded = threading.active_count() > 1
        if self._at != iteration or threaded != self._threaded:
            self._threaded = threaded
            self._parameters = [parameter for tensors in parameters.values() for parameter in tensors]
            self.after_update()

    def before_update(self, player: str) -> None:
        """Compare all parameters with those after the last update, before `player` is updated."""
        self._compare(player, self._read() if self._threaded else None)

    def after_update(self) -> None:
        """Record that an update changed parameters."""
        self._versions = list(map(_VERSION, self._parameters))
        self._contents = self._read() if self._threaded else None

    def end(self, iteration: int, *, thorough: bool) -> None:
        """Compare all parameters after the last update that led to `iteration`.

        Parameters
        ----------
        thorough : bool
            False leaves changes that no version counter shows for the next update to find.
        """
        self._at = iteration
        contents = self._read() if self._threaded and thorough else self._contents
        self._versions = self._compare("", contents)
        self._contents = contents

    def _read(self) -> _Contents:
        pointers = [parameter.data_ptr() for parameter in self._parameters]
        known = self._contents
        joined = known.joined if known is not None and known.pointers == pointers else None
        joined = joined or JoinedCopies(self._parameters)
        return _Contents(pointers, joined, joined.read())

    def _compare(self, moment: str, now: _Contents | None) -> list[int]:
        """Find what changed since the last update, and return the version counters."""
        versions, seen = list(map(_VERSION, self._parameters)), self._contents
        known = moment in self._moving
        if known and versions == self._versions and (now is seen or (now and seen and now.equals(seen))):
            return versions
        differ = {at for at, (a, b) in enumerate(zip(self._versions, versions, strict=True)) if a != b}
        if now is not None and seen is not None:
            contents = zip(seen.parts(), now.parts(), strict=True)
            differ |= {at for at, (a, b) in enumerate(contents) if not bits_equal(a, b)}
        # A layer may change its own weights when it is called, such as an embedding with max_norm.
        moving = self._moving.setdefault(moment, set(differ))
        self.changed += [self._parameters[at] for at in sorted(differ) if at not in moving]
        return versions
