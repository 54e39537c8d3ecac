"""Observers of the stages of an update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

__all__ = ["NullObserver", "StageObserver"]


class StageObserver(Protocol):
    """Called after each stage of an update. What it gets is live and belongs to the engine.

    An observer that raises ends the update there; its owner restores the state.
    """

    def on_draw(self, player: str, batch: Any, *, frozen: bool) -> None:
        """Receive the batch that was drawn for an update of `player`."""

    def on_stage(self, stage: str, /, **tensors: Tensor | None) -> None:
        """Receive the tensors of a stage of the game's own; see :attr:`ganwidgets.games.game.Game.stages`."""

    def on_loss(self, loss: Tensor) -> None:
        """Receive the recorded loss, a scalar with a graph."""

    def on_gradients(self, gradients: Sequence[Tensor | None]) -> None:
        """Receive the gradients by the player's parameters, before any parameter moves."""

    def on_update(self, *, skipped: bool) -> None:
        """Note the end of an update; the parameters have moved unless it was `skipped`."""


class NullObserver:
    """The observer of an ordinary step: does nothing."""

    def on_draw(self, player: str, batch: Any, *, frozen: bool) -> None:
        pass

    def on_stage(self, stage: str, /, **tensors: Tensor | None) -> None:
        pass

    def on_loss(self, loss: Tensor) -> None:
        pass

    def on_gradients(self, gradients: Sequence[Tensor | None]) -> None:
        pass

    def on_update(self, *, skipped: bool) -> None:
        pass
