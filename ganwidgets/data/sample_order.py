"""The order in which a run sees the real samples."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["SampleOrder"]


class SampleOrder:
    r"""An endless sequence of samples, read at any place.

    The sequence is made of chapters of equal length (the epochs of finite data, the blocks of data
    that is drawn without end), each a function of its number alone. So a sample is a function of
    its place, whatever was read before and in whatever pieces: a run goes on from any place, and
    a change of the batch size neither skips a sample nor repeats one.

    Parameters
    ----------
    length : int
        Samples in a chapter.
    write : callable
        From a chapter's number to a tensor [length, ...], which is kept while it is being read.
    read : callable
        From a part of that tensor, [n, ...], to the samples, float32 [n, \*shape]; they must be new
        tensors, because a network may overwrite its input.
    """

    def __init__(self, length: int, write: Callable[[int], Tensor], read: Callable[[Tensor], Tensor]) -> None:
        self._length = length
        self._write = write
        self._read = read
        self._chapter = torch.empty(0)
        # Of the chapter at hand; before the first there is none, and every place lies outside.
        self._begin, self._end = 0, -1

    def take(self, start: int, n: int) -> Tensor:
        r"""Return the samples number `start` to `start` + `n`, float32 [n, \*shape]; they are the caller's.

        A pure function of the source, the seed, `start` and `n`. Not to be called from two threads
        at once.
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
