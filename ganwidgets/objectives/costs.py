"""Costs of single samples: how much each changes a loss that is a mean over logits."""

from __future__ import annotations

import torch
from torch import Tensor

from ganwidgets.objectives.losses import Loss

__all__ = ["costs_d", "costs_g"]


@torch.no_grad()
def costs_d(loss: Loss, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return what each sample adds to the loss of D beyond the sample with the median logit.

    Parameters
    ----------
    real, fake : Tensor [n], [m]
        Logits of real and of generated samples.

    Returns
    -------
    Tensor [n], Tensor [m]
        Costs of the real and of the generated samples.
    """
    typical_real, typical_fake = _median(real), _median(fake)
    typical = loss.loss_d(typical_real, typical_fake)
    return (
        torch.stack([loss.loss_d(each.reshape(1), typical_fake) - typical for each in real]),
        torch.stack([loss.loss_d(typical_real, each.reshape(1)) - typical for each in fake]),
    )


@torch.no_grad()
def costs_g(loss: Loss, real: Tensor | None, fake: Tensor) -> Tensor:
    """Return what each generated sample adds to the loss of G beyond the one with the median logit.

    Parameters
    ----------
    real : Tensor [n] or None
        Logits of real samples, if the loss needs them.
    fake : Tensor [m]
        Logits of generated samples.

    Returns
    -------
    Tensor [m]
    """
    needed = None if real is None else _median(real)
    typical = loss.loss_g(_median(fake), needed)
    return torch.stack([loss.loss_g(each.reshape(1), needed) - typical for each in fake])


def _median(logits: Tensor) -> Tensor:
    return logits.median().reshape(1)
