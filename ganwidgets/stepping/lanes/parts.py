"""The lanes that take part in an update: all of them, or some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

__all__ = ["Part"]

T = TypeVar("T")


class Part:
    """Lanes whose updates are computed together, and the copies after the last lane.

    Parameters
    ----------
    lanes : sequence of int
        In ascending order.
    every : int
        Number of all lanes.
    copies : int
        Number of copies, which take part in every update.

    Attributes
    ----------
    whole : bool
        True if all lanes take part; tensors are then used as they are.
    width : int
        Number of lanes with copies.
    """

    def __init__(self, lanes: Sequence[int], every: int, copies: int) -> None:
        self.lanes = tuple(lanes)
        self.whole = len(self.lanes) == every
        self.width = len(self.lanes) + copies
        self._copies = copies
        rows = [*self.lanes, *range(every, every + copies)]
        self._index = torch.tensor(rows)
        self._places = {row: place for place, row in enumerate(rows)}

    def of(self, tensor: Tensor) -> Tensor:
        """Return the rows of a tensor of all lanes that take part: itself, or a copy."""
        return tensor if self.whole else tensor.index_select(0, self._index)

    def put(self, tensor: Tensor, rows: Tensor) -> None:
        """Write new values of the rows that take part into a tensor of all lanes."""
        if self.whole:
            tensor.copy_(rows)
        else:
            tensor.index_copy_(0, self._index, rows)

    def places(self, rows: Sequence[int]) -> list[tuple[int, int]]:
        """Return those of `rows` that take part, each with its place in the part."""
        return [(row, self._places[row]) for row in rows if row in self._places]

    def padded(self, each: Sequence[T]) -> list[T]:
        """Return something of each lane of the part, and that of the first one for the copies."""
        return [*each, *[each[0]] * self._copies]
