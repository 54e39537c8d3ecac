"""The game: what the two networks are scored by, and what keeps the discriminator's slope small.

Notation of every formula below: x is a real sample, G(z) a generated one, D(.) a *logit* (any real
number, large for "real"), sigma the logistic function, softplus(t) = log(1 + e^t), and "mean" goes
over the batch. The discriminator's loss is its real term plus its generated term, not halved.

The losses are plain functions of logits and the penalties plain functions of samples, made of as
few tensor operations as the formulas allow, because a whole training step of a small network takes
half a millisecond. Any stepper may use them: they keep no state.
"""

# ruff: noqa: ARG001 - all losses have one signature, and so have all penalties, whatever each uses

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from .messages import Message

__all__ = ["LOSSES", "PENALTIES", "Loss", "Penalty", "gradient_penalty", "r1", "r1_r2", "r2"]


@dataclass(frozen=True)
class Loss:
    """One game between the two networks.

    Attributes
    ----------
    name : str
        The value of the setting ``loss``.
    discriminator : callable
        ``(real_logits [N], fake_logits [N]) -> scalar``, what the discriminator minimises.
    generator : callable
        ``(fake_logits [N], real_logits [N] or None) -> scalar``, what the generator minimises.
        Real logits are looked at only where `uses_real` is true.
    uses_real : bool
        Whether the generator's loss needs the logits of real samples, and therefore its update a
        real batch of the same size.
    threshold : callable
        ``(real_logits, fake_logits) -> float``; a logit above it is the verdict "real".
    verdict : callable
        ``(logits, real_logits, fake_logits) -> tensor like logits`` in [0, 1], 1 where the
        discriminator says "real" and 1/2 at the threshold: what a picture of D shows.
    """

    name: str
    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor | None], Tensor]
    uses_real: bool
    threshold: Callable[[Tensor, Tensor], float]
    verdict: Callable[[Tensor, Tensor, Tensor], Tensor]


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
        """Return the penalty, a scalar that can be differentiated by the parameters of D.

        Parameters
        ----------
        discriminator
            Maps samples [N, ...] to logits [N]; any module will do.
        real, fake : Tensor [N, ...]
            Samples; they are detached here, so no gradient reaches what made them.
        weight : float
            The setting ``penalty_weight``.
        generator : torch.Generator
            Where random numbers come from, if the penalty needs any.
        """


# --- losses ---------------------------------------------------------------------------------------


def _logistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean softplus(-D(x)) + mean softplus(D(G(z))).

    That is -mean log sigma(D(x)) - mean log(1 - sigma(D(G(z)))), the negative of the value
    function in Goodfellow et al., "Generative adversarial nets", 2014, equation 1.
    """
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def _minimax_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Minus mean softplus(D(G(z))), that is mean log(1 - sigma(D(G(z)))).

    Goodfellow et al. 2014, equation 1. Its slope is -sigma(D(G(z))), which dies where D is sure
    that a sample is generated: the loss saturates, as the paper's section 3 says.
    """
    return -softplus(fake_logits).mean()


def _non_saturating_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Mean softplus(-D(G(z))), that is -mean log sigma(D(G(z))).

    Goodfellow et al. 2014, section 3, the alternative for the generator: its slope tends to -1
    where D is sure that a sample is generated.
    """
    return softplus(-fake_logits).mean()


def _least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean (D(x) - 1)^2 + mean D(G(z))^2.

    Mao et al., "Least squares generative adversarial networks", 2017, section 3, with the targets
    1 for real and 0 for generated; without the paper's factors 1/2.
    """
    return (real_logits - 1).square().mean() + fake_logits.square().mean()


def _least_squares_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Mean (D(G(z)) - 1)^2; Mao et al. 2017, section 3, without the factor 1/2."""
    return (fake_logits - 1).square().mean()


def _wasserstein_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean D(G(z)) - mean D(x).

    Arjovsky, Chintala and Bottou, "Wasserstein GAN", 2017, section 3. It estimates a distance only
    while D's slope is bounded: by the setting ``weight_clip`` as in that paper, or by a penalty.
    """
    return fake_logits.mean() - real_logits.mean()


def _mean_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Minus mean D(G(z)): of Wasserstein GAN (Arjovsky et al. 2017) and of the hinge loss."""
    return -fake_logits.mean()


def _hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z))).

    Lim and Ye, "Geometric GAN", 2017; Miyato et al., "Spectral normalization for generative
    adversarial networks", 2018.
    """
    return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()


def _relativistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean softplus(D(G(z)) - D(x)): every generated sample against one real one.

    Jolicoeur-Martineau, "The relativistic discriminator", 2018; Huang et al., "The GAN is dead;
    long live the GAN! A modern GAN baseline" (R3GAN), 2024, section 2.
    """
    return softplus(fake_logits - real_logits).mean()


def _relativistic_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Mean softplus(D(x) - D(G(z))); R3GAN, section 2. Unlike the others it needs real logits."""
    if real_logits is None:
        raise ValueError(
            Message(
                "the relativistic loss of the generator needs the logits of a real batch; pass real_logits"
            )
        )
    return softplus(real_logits - fake_logits).mean()


# --- verdicts -------------------------------------------------------------------------------------


def _zero(real_logits: Tensor, fake_logits: Tensor) -> float:
    return 0.0


def _half(real_logits: Tensor, fake_logits: Tensor) -> float:
    return 0.5


def _midway(real_logits: Tensor, fake_logits: Tensor) -> float:
    """Midway between the two means: these games fix D only up to a constant."""
    return float(real_logits.mean() + fake_logits.mean()) / 2


def _probability(logits: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return logits.sigmoid()


def _clamped(logits: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return logits.clamp(0, 1)


def _relative(logits: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return sigma((logit - midway) / spread), spread being half the deviation of all logits given.

    The critic's own unit means nothing, so it is measured against how far apart its answers lie;
    with two tight groups their means are shown as sigma(-2) = .12 and sigma(2) = .88.
    """
    spread = torch.cat((real_logits, fake_logits)).std(correction=0) / 2
    smallest = torch.finfo(spread.dtype).tiny
    return ((logits - _midway(real_logits, fake_logits)) / spread.clamp_min(smallest)).sigmoid()


_ALL = (
    Loss(
        "minimax",
        discriminator=_logistic_discriminator,
        generator=_minimax_generator,
        uses_real=False,
        threshold=_zero,
        verdict=_probability,
    ),
    Loss(
        "non_saturating",
        discriminator=_logistic_discriminator,
        generator=_non_saturating_generator,
        uses_real=False,
        threshold=_zero,
        verdict=_probability,
    ),
    Loss(
        "least_squares",
        discriminator=_least_squares_discriminator,
        generator=_least_squares_generator,
        uses_real=False,
        threshold=_half,
        verdict=_clamped,
    ),
    Loss(
        "wasserstein",
        discriminator=_wasserstein_discriminator,
        generator=_mean_generator,
        uses_real=False,
        threshold=_midway,
        verdict=_relative,
    ),
    Loss(
        "hinge",
        discriminator=_hinge_discriminator,
        generator=_mean_generator,
        uses_real=False,
        threshold=_zero,
        verdict=_probability,
    ),
    Loss(
        "relativistic",
        discriminator=_relativistic_discriminator,
        generator=_relativistic_generator,
        uses_real=True,
        threshold=_midway,
        verdict=_relative,
    ),
)

LOSSES: Mapping[str, Loss] = MappingProxyType({loss.name: loss for loss in _ALL})
"""Every loss, by the name it has in the settings."""


# --- penalties ------------------------------------------------------------------------------------


def r1(
    discriminator: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    weight: float,
    generator: torch.Generator,
) -> Tensor:
    """Return gamma/2 mean |grad_x D(x)|^2 at real samples.

    R1 of Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually converge?",
    2018, section 4.1; `weight` is their gamma. (Code that leaves the 1/2 out means gamma/2 by its
    number.)
    """
    return _squared_slope(discriminator, real, weight)


def r2(
    discriminator: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    weight: float,
    generator: torch.Generator,
) -> Tensor:
    """Return gamma/2 mean |grad_x D(x)|^2 at generated samples; R2 of Mescheder et al. 2018, section 4.1."""
    return _squared_slope(discriminator, fake, weight)


def r1_r2(
    discriminator: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    weight: float,
    generator: torch.Generator,
) -> Tensor:
    """Return R1 plus R2, with the same gamma, as in R3GAN (Huang et al. 2024, section 2).

    Two passes, not one over both batches together, in which batch statistics would mix them.
    """
    return _squared_slope(discriminator, real, weight) + _squared_slope(discriminator, fake, weight)


def gradient_penalty(
    discriminator: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    weight: float,
    generator: torch.Generator,
) -> Tensor:
    """Return lambda mean (|grad_x D(u)| - 1)^2 at u = eps x + (1 - eps) G(z), eps even between 0 and 1.

    Gulrajani et al., "Improved training of Wasserstein GANs", 2017, equation 3; `weight` is their
    lambda, and there is one eps for each pair of samples. The norm goes over everything but the
    batch, and where it is zero its own slope counts as zero.
    """
    each = (len(real), *[1] * (real.ndim - 1))
    eps = torch.rand(each, generator=generator, device=generator.device, dtype=real.dtype)
    slope = _slope(discriminator, torch.lerp(fake, real, eps.to(real.device)))
    norm: Tensor = torch.linalg.vector_norm(slope.flatten(1), dim=1)
    return (norm - 1).square().mean() * weight


def _squared_slope(discriminator: Callable[[Tensor], Tensor], samples: Tensor, weight: float) -> Tensor:
    return _slope(discriminator, samples).square().sum() * (weight / 2 / len(samples))


def _slope(discriminator: Callable[[Tensor], Tensor], samples: Tensor) -> Tensor:
    """Return the gradient of D by each sample, differentiable by D's parameters."""
    samples = samples.detach().requires_grad_()
    # A logit depends on its own sample alone, so the gradient of the sum is every gradient at once.
    (slope,) = torch.autograd.grad(
        discriminator(samples).sum(), samples, create_graph=True, materialize_grads=True
    )
    return slope


PENALTIES: Mapping[str, Penalty] = MappingProxyType(
    {"gradient_penalty": gradient_penalty, "r1": r1, "r2": r2, "r1_r2": r1_r2}
)
"""Every penalty, by the name it has in the settings, where ``"none"`` is the absence of one."""
