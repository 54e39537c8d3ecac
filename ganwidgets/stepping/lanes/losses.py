"""Losses and measures of several runs at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganwidgets.objectives import LOSSES, Loss

__all__ = ["LaneLoss", "accuracies", "lane_loss"]


@dataclass(frozen=True)
class LaneLoss:
    """A loss as functions of logits [lanes, n]; each returns [lanes]."""

    loss_d: Callable[[Tensor, Tensor], Tensor]
    loss_g: Callable[[Tensor, Tensor | None], Tensor]


def lane_loss(loss: Loss) -> LaneLoss:
    """Return the batched form of a loss; of a user's own by `torch.func.vmap`."""
    if LOSSES.get(loss.name) is loss:
        return LaneLoss(loss.loss_d, loss.loss_g)
    with_real = torch.func.vmap(loss.loss_g)
    without = torch.func.vmap(lambda fake: loss.loss_g(fake, None))
    return LaneLoss(
        torch.func.vmap(loss.loss_d),
        lambda fake, real: without(fake) if real is None else with_real(fake, real),
    )


def accuracies(loss: Loss, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """Return for each lane the shares of logits [lanes, n] on the correct side of the loss's threshold."""
    thresholds = torch.tensor(
        [loss.threshold(r, f) for r, f in zip(real.unbind(0), fake.unbind(0), strict=True)]
    ).unsqueeze(1)
    return {
        "accuracy_real": (real > thresholds).double().mean(1),
        "accuracy_fake": (fake <= thresholds).double().mean(1),
    }
