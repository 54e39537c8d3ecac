"""Sources of data as the streams of a game."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganwidgets.data import SampleOrder
from ganwidgets.games.game import Batch
from ganwidgets.stepping.streams.class_labels import Labels

__all__ = ["OrderedStream"]


@dataclass(frozen=True)
class OrderedStream:
    """Samples in a fixed order, with labels or with targets in the same order.

    Attributes
    ----------
    samples : SampleOrder
    labels : Labels or None
        None if the game's networks take no labels.
    targets : SampleOrder or None
        The other half of each pair.
    """

    samples: SampleOrder
    labels: Labels | None = None
    targets: SampleOrder | None = None

    def take(self, start: int, n: int) -> Batch:
        """Return samples number `start` to `start + n`."""
        return Batch(
            self.samples.take(start, n),
            None if self.labels is None else self.labels.at(start, n),
            None if self.targets is None else self.targets.take(start, n),
        )

    def draw_labels(self, n: int, generator: torch.Generator) -> Tensor:
        """Return `n` labels from the distribution of the data, int64 [n].

        Raises
        ------
        ValueError
            If the stream has no labels.
        """
        if self.labels is None:
            raise ValueError("the stream has no labels to draw; declare it with labelled=True")
        return self.labels.draw(n, generator)
