"""Real samples for updates: the streams of a run, and the feed that advances their cursors."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Protocol

import torch
from torch import Tensor

from ganwidgets.games.game import Batch, Feed
from ganwidgets.stepping.state import TrainingState

__all__ = ["SampleStream", "StreamFeed", "feed_from"]


class SampleStream(Protocol):
    """Real samples in the order in which a run sees them, read at any place."""

    def take(self, start: int, n: int) -> Batch:
        """Return samples number `start` to `start + n`: new tensors, a pure function of both numbers."""

    def draw_labels(self, n: int, generator: torch.Generator) -> Tensor:
        """Return `n` labels from the distribution of the data, int64 [n]."""


class StreamFeed:
    """The real samples of an update; `moves` is False for a frozen player, which moves no cursor."""

    def __init__(
        self,
        state: TrainingState | SimpleNamespace,
        streams: Mapping[str, SampleStream],
        *,
        moves: bool = True,
    ) -> None:
        self._cursors: dict[str, int] = state.cursors if moves else dict(state.cursors)
        self._streams = streams
        self._device = state.device
        self._on_cpu = state.device.type == "cpu"

    def take(self, n: int, stream: str = "data") -> Batch:
        start = self._cursors[stream]
        batch = self._streams[stream].take(start, n)
        self._cursors[stream] = start + n
        if self._on_cpu:
            return batch
        return Batch(*(None if part is None else part.to(self._device) for part in batch))  # type: ignore[arg-type]

    def draw_labels(self, n: int, generator: torch.Generator, stream: str = "data") -> Tensor:
        return self._streams[stream].draw_labels(n, generator).to(self._device)


def feed_from(streams: Mapping[str, SampleStream], device: torch.device) -> Feed:
    """Return a feed of `streams` from their beginning, apart from any state."""
    return StreamFeed(SimpleNamespace(cursors=dict.fromkeys(streams, 0), device=device), streams)
