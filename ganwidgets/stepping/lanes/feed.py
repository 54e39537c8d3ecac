"""The real samples of several runs, read ahead."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganwidgets.games.game import Batch
from ganwidgets.stepping.engine import Engine

__all__ = ["LaneFeed", "unfolded"]

PREFETCHED = 4 * 2**20
"""Number of real values to prefetch for all lanes together."""


class LaneFeed:
    """The real samples of all lanes, read ahead; each lane sees them in the order of its own run."""

    def __init__(self, engines: Sequence[Engine], copies: int) -> None:
        self._streams = [engine.streams["data"] for engine in engines]
        self._n = engines[0].settings.batch_size
        self._copies = copies
        self._ahead: list[Batch] = []
        self._expected = 0
        self.cursors = [engine.state.cursors["data"] for engine in engines]

    def expect(self, batches: int) -> None:
        """Set the number of batches to come."""
        self._expected = batches
        self._ahead = []

    def go_to(self, cursors: Sequence[int]) -> None:
        """Continue from these positions."""
        self.cursors, self._ahead = list(cursors), []

    def take(self) -> Batch:
        """Return the next batch of every lane, float32 [lanes, n, ...], and its labels [lanes, n] if it has any."""
        if not self._ahead:
            self._read()
        self.cursors = [cursor + self._n for cursor in self.cursors]
        self._expected -= 1
        return self._ahead.pop()

    def _read(self) -> None:
        first = self._streams[0].take(self.cursors[0], self._n).samples
        batches = max(
            1, min(self._expected, PREFETCHED // (first.numel() * (len(self._streams) + self._copies)))
        )
        read = [
            stream.take(cursor, self._n * batches)
            for stream, cursor in zip(self._streams, self.cursors, strict=True)
        ]
        read += [read[0]] * self._copies
        samples = torch.stack([unfolded(each.samples, batches) for each in read], 1).unbind(0)
        labels: Sequence[Tensor | None] = [None] * batches
        if read[0].labels is not None:
            known = [unfolded(each.labels, batches) for each in read if each.labels is not None]
            labels = torch.stack(known, 1).unbind(0)
        self._ahead = [Batch(*both) for both in zip(samples, labels, strict=True)][::-1]


def unfolded(samples: Tensor, parts: int) -> Tensor:
    """Return samples [parts * n, ...] as [parts, n, ...]."""
    return samples.reshape(parts, len(samples) // parts, *samples.shape[1:])
