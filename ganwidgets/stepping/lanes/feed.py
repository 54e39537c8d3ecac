"""The real samples of several runs, read ahead."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganwidgets.games.game import Batch
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.lanes.parts import Part

__all__ = ["LaneFeed", "unfolded"]

PREFETCHED = 4 * 2**20
"""Number of real values to prefetch for all lanes together."""


class LaneFeed:
    """The real samples of all lanes, read ahead; each lane sees them in the order of its own run.

    Parameters
    ----------
    engines : sequence of Engine
        One for each lane.
    copies : int
        Copies of the first lane.
    together : bool
        True if every batch is taken by all lanes.

    Attributes
    ----------
    together : bool
    cursors : list of int
        Number of samples that each lane has taken.
    """

    def __init__(self, engines: Sequence[Engine], copies: int, *, together: bool) -> None:
        self._streams = [engine.streams["data"] for engine in engines]
        self._n = engines[0].settings.batch_size
        self._copies = copies
        self.together = together
        self.cursors = [engine.state.cursors["data"] for engine in engines]
        self.expect([0] * len(engines))

    def expect(self, batches: Sequence[int]) -> None:
        """Set the number of batches that each lane will take."""
        self._expected = list(batches)
        self._forget()

    def go_to(self, cursors: Sequence[int]) -> None:
        """Continue from these positions."""
        self.cursors = list(cursors)
        self._forget()

    def _forget(self) -> None:
        self._ahead: list[Batch] = []  # of all lanes
        self._own: list[list[Batch]] = [[] for _ in self._streams]  # of each lane

    def take(self, part: Part | None = None) -> Batch:
        """Return the next batch of every lane of `part`, and of its copies.

        Returns
        -------
        Batch
            Samples float32 [lanes, n, ...], and labels int64 [lanes, n] if the networks take labels.
        """
        if part is None or self.together:
            if not self._ahead:
                self._ahead = self._read()
            batch, lanes = self._ahead.pop(), tuple(range(len(self._streams)))
        else:
            batch = _stacked(part.padded([self._next_of(lane).pop() for lane in part.lanes]))
            lanes = part.lanes
        for lane in lanes:
            self.cursors[lane] += self._n
            self._expected[lane] -= 1
        return batch

    def peek(self, part: Part) -> Batch:
        """Return what :meth:`take` would return, and leave it there."""
        return _stacked(part.padded([self._next_of(lane)[-1] for lane in part.lanes]))

    def _most(self, first: Tensor) -> int:
        """Return the number of batches of every lane to prefetch at most."""
        return PREFETCHED // (first.numel() * (len(self._streams) + self._copies))

    def _read(self) -> list[Batch]:
        first = self._streams[0].take(self.cursors[0], self._n).samples
        batches = max(1, min(self._expected[0], self._most(first)))
        read = [
            _cut(stream.take(cursor, self._n * batches), batches)
            for stream, cursor in zip(self._streams, self.cursors, strict=True)
        ]
        read += [read[0]] * self._copies
        samples = torch.stack([each.samples for each in read], 1).unbind(0)
        labels: Sequence[Tensor | None] = [None] * batches
        if read[0].labels is not None:
            labels = torch.stack([each.labels for each in read if each.labels is not None], 1).unbind(0)
        return [Batch(*both) for both in zip(samples, labels, strict=True)][::-1]

    def _next_of(self, lane: int) -> list[Batch]:
        """Return batches of one lane, at least one; the next is the last."""
        if not self._own[lane]:
            stream, cursor = self._streams[lane], self.cursors[lane]
            batches = max(1, min(self._expected[lane], self._most(stream.take(cursor, self._n).samples)))
            read = _cut(stream.take(cursor, self._n * batches), batches)
            labels = [None] * batches if read.labels is None else read.labels.unbind(0)
            self._own[lane] = [Batch(*both) for both in zip(read.samples, labels, strict=True)][::-1]
        return self._own[lane]


def _cut(batch: Batch, parts: int) -> Batch:
    labels = None if batch.labels is None else unfolded(batch.labels, parts)
    return Batch(unfolded(batch.samples, parts), labels)


def _stacked(batches: Sequence[Batch]) -> Batch:
    labels = [each.labels for each in batches if each.labels is not None]
    return Batch(torch.stack([each.samples for each in batches]), torch.stack(labels) if labels else None)


def unfolded(samples: Tensor, parts: int) -> Tensor:
    """Return samples [parts * n, ...] as [parts, n, ...]."""
    return samples.reshape(parts, len(samples) // parts, *samples.shape[1:])
