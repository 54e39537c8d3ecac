"""Penalties on the discriminator's slope, as functions of samples.

Notation as in :mod:`~ganwidgets.objectives.losses`. If the discriminator takes packs of several samples (the setting
``packing``), a "sample" here is a pack.
"""

# ruff: noqa: ARG001 - all penalties have one signature

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["PENALTIES", "Penalty", "SlopePenalty", "gradient_penalty", "r1", "r1_r2", "r2", "slope"]


class Penalty(Protocol):
    """A term added to the discriminator's loss."""

    def __call__(
        self,
        discriminator: Callable[[Tensor], Tensor],
        real: Tensor,
        fake: Tensor,
        weight: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Return the penalty, a scalar that is differentiable with respect to the parameters of D.

        Parameters
        ----------
        discriminator
            Maps samples [N, ...] to logits [N]; any module.
        real, fake : Tensor [N, ...]
            Samples. If they have gradients, so has the penalty with respect to their inputs.
        weight : float
            The setting ``penalty_weight``.
        generator : torch.Generator
            Source of random numbers, if the penalty needs any.
        """


Points = Callable[[Tensor, Tensor, Tensor | None], Sequence[Tensor]]
"""Maps real samples, generated samples and random numbers to the batches at which the slope of D is measured."""


def _nothing(real: Tensor, generator: torch.Generator) -> None:
    """Draw nothing."""


@dataclass(frozen=True)
class SlopePenalty:
    """A penalty on the gradient of D by its input, the sum of one term for each batch of points.

    Attributes
    ----------
    points : callable
        ``(real, fake, eps)`` returns batches [N, ...], each for a separate pass through D.
    term : callable
        ``(slope [N, ...], weight)`` returns a scalar. `slope` is the gradient of D by each sample.
    drawn : callable
        ``(real, generator)`` returns `eps`, the random numbers that the points need; None if they need none.
    """

    points: Points
    term: Callable[[Tensor, float | Tensor], Tensor]
    drawn: Callable[[Tensor, torch.Generator], Tensor | None] = _nothing

    def __call__(
        self,
        discriminator: Callable[[Tensor], Tensor],
        real: Tensor,
        fake: Tensor,
        weight: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Return the penalty; see :class:`Penalty`."""
        first, *others = (
            self.term(slope(discriminator, at), weight)
            for at in self.points(real, fake, self.drawn(real, generator))
        )
        return sum(others, first)


def _at_real(real: Tensor, fake: Tensor, eps: Tensor | None) -> Sequence[Tensor]:
    return (real,)


def _at_fake(real: Tensor, fake: Tensor, eps: Tensor | None) -> Sequence[Tensor]:
    return (fake,)


def _at_both(real: Tensor, fake: Tensor, eps: Tensor | None) -> Sequence[Tensor]:
    return (real, fake)


def _between(real: Tensor, fake: Tensor, eps: Tensor | None) -> Sequence[Tensor]:
    assert eps is not None
    return (torch.lerp(fake, real, eps.to(real.device)),)


def _one_each(real: Tensor, generator: torch.Generator) -> Tensor:
    each = (len(real), *[1] * (real.ndim - 1))
    return torch.rand(each, generator=generator, device=generator.device, dtype=real.dtype)


def _squared(slope: Tensor, weight: float | Tensor) -> Tensor:
    return slope.square().sum() * (weight / 2 / len(slope))


def _from_one(slope: Tensor, weight: float | Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(slope.flatten(1), dim=1)
    return (norm - 1).square().mean() * weight


r1 = SlopePenalty(_at_real, _squared)
"""gamma/2 mean |grad_x D(x)|^2 at real samples.

R1 of Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually converge?", 2018, section 4.1;
`weight` is their gamma. (Code without the 1/2 means gamma/2 by its number.)
"""

r2 = SlopePenalty(_at_fake, _squared)
"""gamma/2 mean |grad_x D(x)|^2 at generated samples; R2 of Mescheder et al. 2018, section 4.1."""

r1_r2 = SlopePenalty(_at_both, _squared)
"""R1 plus R2, with the same gamma, as in R3GAN (Huang et al. 2024, section 2).

Two passes instead of one over both batches together, because batch statistics would mix them.
"""

gradient_penalty = SlopePenalty(_between, _from_one, _one_each)
"""lambda mean (|grad_x D(u)| - 1)^2 at u = eps x + (1 - eps) G(z), eps uniform in [0, 1].

Gulrajani et al., "Improved training of Wasserstein GANs", 2017, equation 3; `weight` is their lambda, and there is one
eps for each pair of samples. The norm is over all axes except the batch. Where it is zero, its slope counts as zero.
"""


def slope(discriminator: Callable[[Tensor], Tensor], samples: Tensor) -> Tensor:
    """Return the gradient of D by each sample, differentiable by D's parameters."""
    # For samples with gradients, a view: an unrolled D depends on their inputs too, and its slope is the partial one.
    samples = samples.view_as(samples) if samples.requires_grad else samples.detach().requires_grad_()
    # A logit depends on its own sample alone, so the gradient of the sum has every gradient.
    (gradient,) = torch.autograd.grad(
        discriminator(samples).sum(), samples, create_graph=True, materialize_grads=True
    )
    return gradient


PENALTIES: Mapping[str, SlopePenalty] = MappingProxyType(
    {"gradient_penalty": gradient_penalty, "r1": r1, "r2": r2, "r1_r2": r1_r2}
)
"""Every penalty by name in the settings, except ``"none"``."""
