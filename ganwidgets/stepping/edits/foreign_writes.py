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


class _Reading(NamedTuple):
    """What the parameters were."""

    versions: list[int]
    pointers: Sequence[int] = ()
    joined: JoinedCopies | None = None
    """What copied their contents; None if no other thread was alive."""
    copies: Sequence[Tensor] = ()

    def equals(self, other: _Reading) -> bool:
        return (
            self.versions == other.versions
            and self.pointers == other.pointers
            and all(map(torch.equal, self.copies, other.copies))
        )

    def parts(self) -> list[Tensor]:
        return [] if self.joined is None else self.joined.parts(self.copies)


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
        self._seen = _Reading([])
        self._contents = False
        self._at = -1
        self._moving: dict[str, set[int]] = {}

    def forget(self) -> None:
        """Allow any change until the next update begins."""
        self.changed = []
        self._at = -1

    def begin(self, parameters: Mapping[str, Sequence[Tensor]], iteration: int) -> None:
        """Note that updates begin; what changed since :meth:`end` at the same `iteration` is found by them."""
        contents = threading.active_count() > 1
        if self._at != iteration or contents != self._contents:
            self._contents = contents
            self._parameters = [parameter for tensors in parameters.values() for parameter in tensors]
            self._seen = self._read(contents=contents)

    def before_update(self, player: str) -> None:
        """Compare all parameters with those after the last update, before `player` is updated."""
        self._compare(player, self._read(contents=self._contents))

    def after_update(self) -> None:
        """Note that an update changed parameters."""
        self._seen = self._read(contents=self._contents)

    def end(self, iteration: int, *, thorough: bool) -> None:
        """Compare all parameters after the last update that led to `iteration`.

        Parameters
        ----------
        thorough : bool
            False leaves changes that no version counter shows for the next update to find.
        """
        self._at = iteration
        if thorough:
            now = self._read(contents=self._contents)
        else:
            now = self._seen._replace(versions=list(map(_VERSION, self._parameters)))
        self._compare("", now)
        self._seen = now

    def _read(self, *, contents: bool) -> _Reading:
        versions = list(map(_VERSION, self._parameters))
        if not contents:
            return _Reading(versions)
        pointers = [parameter.data_ptr() for parameter in self._parameters]
        joined = self._seen.joined if pointers == self._seen.pointers else None
        joined = joined or JoinedCopies(self._parameters)
        return _Reading(versions, pointers, joined, joined.read())

    def _compare(self, moment: str, now: _Reading) -> None:
        seen = self._seen
        if moment in self._moving and now.equals(seen):
            return
        differ = {at for at, (a, b) in enumerate(zip(seen.versions, now.versions, strict=True)) if a != b}
        contents = zip(seen.parts(), now.parts(), strict=True)
        differ |= {at for at, (a, b) in enumerate(contents) if not bits_equal(a, b)}
        # A layer may change its own weights when it is called, such as an embedding with max_norm.
        moving = self._moving.setdefault(moment, set(differ))
        self.changed += [self._parameters[at] for at in sorted(differ) if at not in moving]
