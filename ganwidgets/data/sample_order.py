"""The order of the real samples in a run."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["SampleOrder"]


class SampleOrder:
    r"""An endless sequence of samples with random access.

    The sequence consists of chapters of equal length: epochs of finite data, or blocks of data that is drawn without
    end. Each chapter is a pure function of its number. So a sample is a function of its position, whatever was read
    before. A run continues from any position, and a new batch size neither skips nor repeats a sample.

    Parameters
    ----------
    length : int
        Number of samples in a chapter.
    write : callable
        Takes a chapter's number; returns a tensor [length, ...], cached while it is read.
    read : callable
        Takes a part of that tensor, [n, ...]; returns the samples, float32 [n, \*shape]. They must be new tensors,
        because a network may overwrite its input.
    """

    def __init__(self, length: int, write: Callable[[int], Tensor], read: Callable[[Tensor], Tensor]) -> None:
        self._length = length
        self._write = write
        self._read = read
        self._chapter = torch.empty(0)
        # No chapter is cached at first, so every position is outside.
        self._begin, self._end = 0, -1

    def take(self, start: int, n: int) -> Tensor:
        r"""Return the samples `start` to `start` + `n`, float32 [n, \*shape]; the caller owns them.

        A pure function of the source, the seed, `start` and `n`. Not thread-safe.
        """
        stop = start + n
        if start < self._begin or stop > self._end:
            return self._across(start, stop)
        return self._read(self._chapter[start - self._begin : stop - self._begin])

    def _across(self, start: int, stop: int) -> Tensor:
        parts = []
        for number in range(start // self._length, max(start, stop - 1) // self._length + 1):
            self._turn_to(number)
            begin, end = max(start, self._begin), min(stop, self._end)
            parts.append(self._read(self._chapter[begin - self._begin : end - self._begin]))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _turn_to(self, number: int) -> None:
        begin = number * self._length
        if (begin, begin + self._length) != (self._begin, self._end):
            self._chapter = self._write(number)
            self._begin, self._end = begin, begin + self._length
