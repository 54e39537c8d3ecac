"""Who is told of the stages of an update, each at the moment when it has been carried out.

An update goes through the same stages in the same order for both networks: draw noise (and real
samples), generate, classify, score, differentiate, and at last change the parameters. The stepper
carries them out and tells one watcher of each; an ordinary step is watched by nobody. A watcher that
raises breaks the update off there, and whoever set it puts the state back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

Network = str

__all__ = ["NULL_OBSERVER", "StageObserver"]


class StageObserver(Protocol):
    """Is told of the stages of an update; what it is given is live, and belongs to the stepper."""

    def on_draw(
        self, network: Network, noise: Tensor, real: Tensor | None, labels: Tensor | None, *, frozen: bool
    ) -> None:
        """Hear what was drawn for an update of `network`: noise ``[N, latent_dim]``, real samples.

        Parameters
        ----------
        real : Tensor [N, ...] or None
            None where the update uses none.
        labels : Tensor or None
            int64 [N], of the samples that will be generated, where networks are told any.
        frozen : bool
            Whether the network is only measured.
        """

    def on_generate(self, fake: Tensor) -> None:
        """Hear that the generator made `fake` [N, ...] of the noise; it has a graph where G is updated."""

    def on_logits(self, real_logits: Tensor | None, fake_logits: Tensor) -> None:
        """Hear what logits D returned, [N], or fewer where it judges several samples at once."""

    def on_loss(self, loss: Tensor) -> None:
        """Hear the batch's `loss`, a scalar with a graph, penalty included."""

    def on_gradients(self, gradients: Sequence[Tensor | None]) -> None:
        """Hear the loss's gradients by the network's trained parameters; nothing has moved."""

    def on_update(self, *, skipped: bool) -> None:
        """Hear that the update is over; the parameters have moved, unless it was `skipped`."""


class NullObserver:
    """Watches nothing."""

    def on_draw(
        self, network: Network, noise: Tensor, real: Tensor | None, labels: Tensor | None, *, frozen: bool
    ) -> None:
        pass

    def on_generate(self, fake: Tensor) -> None:
        pass

    def on_logits(self, real_logits: Tensor | None, fake_logits: Tensor) -> None:
        pass

    def on_loss(self, loss: Tensor) -> None:
        pass

    def on_gradients(self, gradients: Sequence[Tensor | None]) -> None:
        pass

    def on_update(self, *, skipped: bool) -> None:
        pass


NULL_OBSERVER: StageObserver = NullObserver()
"""The watcher of an ordinary step."""
