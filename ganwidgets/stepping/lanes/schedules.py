"""Numbers of each lane that follow a schedule, besides the learning rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ganwidgets.games.gan import penalty_weight
from ganwidgets.stepping.modules.moving_average import decay_at

__all__ = ["LaneSchedules"]


class LaneSchedules:
    """The weights of the penalty and of the moving average, each lane with settings of its own.

    Parameters
    ----------
    settings : sequence
        In force in each lane.

    Attributes
    ----------
    penalty_weights : Tensor, float32 [lanes]
        Of the step at the last :meth:`go_to`.
    averaging : Tensor, float32 [lanes, 1]
        1 minus the decay of the moving average.
    """

    def __init__(self, settings: Sequence[Any]) -> None:
        self._settings = settings
        self._penalty_moves = any(
            each.lr_schedule != "constant" and each.penalty_end != 1 for each in settings
        )
        self._decay_moves = any(each.ema_decay > 0 and each.ema_rampup > 0 for each in settings)
        self._weigh([0] * len(settings))
        self._average([0] * len(settings))

    def go_to(self, iterations: Sequence[int]) -> None:
        """Compute the numbers of a step at the `iterations` of the lanes."""
        if self._penalty_moves:
            self._weigh(iterations)
        if self._decay_moves:
            self._average(iterations)

    def _weigh(self, iterations: Sequence[int]) -> None:
        pairs = zip(self._settings, iterations, strict=True)
        self.penalty_weights = torch.tensor([penalty_weight(each, i) for each, i in pairs])

    def _average(self, iterations: Sequence[int]) -> None:
        pairs = zip(self._settings, iterations, strict=True)
        self.averaging = torch.tensor([1 - decay_at(each, i) for each, i in pairs]).unsqueeze(1)
