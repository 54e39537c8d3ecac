"""Calling convention of a network: shape of the noise, form of labels, batch sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

__all__ = ["Call"]


@dataclass(frozen=True)
class Call:
    """Calling convention of one network.

    Attributes
    ----------
    trailing : int
        Dimensions of length 1 appended to the noise: 2 for a generator that takes ``[n, latent_dim, 1, 1]``.
    labelled : bool
        True if the network is called with ``(batch, labels)``.
    classes : int
        If above 0, labels are passed one-hot, float32 ``[n, classes]``; otherwise int64 ``[n]``.
    batch : int
        If above 0, the only batch size known to work when the network is observed.
    """

    trailing: int = 0
    labelled: bool = False
    classes: int = 0
    batch: int = 0

    def inputs(self, batch: Tensor, labels: Tensor | None) -> tuple[Tensor, ...]:
        """Return the arguments of the network for ``batch`` [n, ...] and labels int64 [n]."""
        if self.trailing:
            batch = batch.reshape(*batch.shape, *[1] * self.trailing)
        if not self.labelled:
            return (batch,)
        assert labels is not None  # a network that takes labels is only called on data that has them
        return batch, one_hot(labels, self.classes).float() if self.classes else labels

    def of(self, network: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """Return `network` as a function of a batch [n, ...] and, if it takes labels, their labels int64 [n]."""
        if not self.trailing and not self.classes:
            return network
        return lambda batch, labels=None: network(*self.inputs(batch, labels))

    def parts(self, n: int, at_most: int) -> list[Tensor]:
        """Return indices into `n` samples, one int64 tensor for each call of an observed network.

        A network with one possible batch size gets that many each time. The last part is then filled up with
        samples from the front, whose outputs the caller drops.
        """
        if not self.batch:
            return list(torch.split(torch.arange(n, device="cpu"), at_most))
        filled = -(-n // self.batch) * self.batch
        return list(torch.split(torch.arange(filled, device="cpu") % max(n, 1), self.batch))
