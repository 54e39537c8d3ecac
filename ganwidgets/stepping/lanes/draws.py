"""What an update of several runs reads and draws: real samples, noise, labels.

Each lane reads the samples and draws the numbers that :meth:`ganwidgets.games.gan.GAN.draw` reads and draws in its run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganwidgets.games.gan import DISCRIMINATOR
from ganwidgets.seeds import seeded
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.lanes.feed import LaneFeed
from ganwidgets.stepping.lanes.parts import Part

__all__ = ["LaneDrawn", "LaneDraws"]


class LaneDrawn(NamedTuple):
    """The batches of one update, and of the copies.

    Attributes
    ----------
    noise : Tensor, float32 [lanes, n, latent_dim]
    real : Tensor [lanes, n, ...] or None
    labels : Tensor, int64 [lanes, n], or None
    random : list of torch.Generator
        One for each lane without copies: the generator that the penalty draws from.
    """

    noise: Tensor
    real: Tensor | None
    labels: Tensor | None
    random: list[torch.Generator]


class LaneDraws:
    """Draws for the lanes of each part.

    Parameters
    ----------
    engines : sequence of Engine
        One for each lane.
    feed : LaneFeed
    needs_real : bool
        True if updates of G read real samples.
    """

    def __init__(self, engines: Sequence[Engine], feed: LaneFeed, *, needs_real: bool) -> None:
        self._engines, self._feed, self._needs_real = engines, feed, needs_real
        self._shared: Any = engines[0].settings
        game: Any = engines[0].game
        self._labelled: bool = bool(game.labelled)
        self._latent_dim: int = game.latent_dim
        self._noise: dict[tuple[int, ...], tuple[Tensor, list[Tensor]]] = {}

    def draw(self, player: str, part: Part) -> LaneDrawn:
        """Return the batches of an update of `player`; cursors and generators advance."""
        random = [self._engines[lane].state.random for lane in part.lanes]
        noise = self._draw_noise(part, [each["noise"] for each in random])
        real = labels = None
        if player == DISCRIMINATOR or self._needs_real:
            real, labels, _ = self._feed.take(part)
        elif self._labelled:
            labels = self._draw_labels(part, [each["labels"] for each in random])
        return LaneDrawn(noise, real, labels, [each["penalty"] for each in random])

    def draw_aside(self, player: str, part: Part, iterations: Sequence[int]) -> LaneDrawn:
        """Return the batches that a frozen player is measured on; no cursor and no generator of a run advances."""
        aside = [
            seeded(self._engines[lane].state.seed, "frozen", player, iterations[lane]) for lane in part.lanes
        ]
        noise = self._draw_noise(part, aside)
        real = labels = None
        if player == DISCRIMINATOR or self._needs_real:
            real, labels, _ = self._feed.peek(part)
        elif self._labelled:
            labels = self._draw_labels(part, aside)
        return LaneDrawn(noise, real, labels, aside)

    def _draw_noise(self, part: Part, generators: Sequence[torch.Generator]) -> Tensor:
        if part.lanes not in self._noise:
            made = torch.empty(part.width, self._shared.batch_size, self._latent_dim)
            self._noise[part.lanes] = made, list(made[: len(part.lanes)].unbind(0))
        noise, rows = self._noise[part.lanes]
        for row, generator in zip(rows, generators, strict=True):
            if self._shared.noise == "uniform":
                row.uniform_(-1, 1, generator=generator)
            else:
                row.normal_(generator=generator)
        noise[len(rows) :] = noise[0]
        return noise

    def _draw_labels(self, part: Part, generators: Sequence[torch.Generator]) -> Tensor:
        n = self._shared.batch_size
        streams = [self._engines[lane].streams["data"] for lane in part.lanes]
        drawn = [stream.draw_labels(n, each) for stream, each in zip(streams, generators, strict=True)]
        return torch.stack(part.padded(drawn))
