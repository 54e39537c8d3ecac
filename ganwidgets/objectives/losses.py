"""Losses of the two networks, as functions of logits.

Notation of every formula below: x is a real sample, G(z) a generated one, D(.) a *logit* (any real number, large for
"real"), sigma the logistic function, softplus(t) = log(1 + e^t), and "mean" is over the batch. The discriminator's loss
is its real term plus its generated term, not halved.
Logits are [..., N] and a loss is [...]: axes before the batch are runs that are computed together.

They use as few tensor operations as the formulas allow, because a whole training step of a small network takes half a
millisecond. They keep no state, so any stepper may use them.
"""

# ruff: noqa: ARG001 - all losses have one signature

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganwidgets.messages import Message
from ganwidgets.objectives.penalties import Penalty

__all__ = ["LOSSES", "Loss"]


@dataclass(frozen=True)
class Loss:
    """A pair of losses, with all members of an :class:`Objective`.

    Attributes
    ----------
    name : str
        The value of the setting ``loss``, or the display name of a user's objective.
    loss_d : callable
        ``(real_logits [N], fake_logits [N]) -> scalar``, the discriminator's loss.
    loss_g : callable
        ``(fake_logits [N], real_logits [N] or None) -> scalar``, the generator's loss. It uses real logits only if
        `needs_real` is True.
    needs_real : bool
        True if the generator's loss needs the logits of real samples, so that its update draws a real batch of the same
        size.
    threshold : callable
        ``(real_logits, fake_logits) -> float``; a logit above it is the verdict "real".
    verdict : callable
        ``(logits, real_logits, fake_logits) -> tensor like logits`` in [0, 1]: 1 for "real", 1/2 at the threshold; used
        for pictures of D.
    penalty : Penalty or None
        The user's penalty, in force for the value ``"own"`` of the setting ``penalty``.
    """

    name: str
    loss_d: Callable[[Tensor, Tensor], Tensor]
    loss_g: Callable[[Tensor, Tensor | None], Tensor]
    needs_real: bool
    threshold: Callable[[Tensor, Tensor], float]
    verdict: Callable[[Tensor, Tensor, Tensor], Tensor]
    penalty: Penalty | None = None


def _logistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean softplus(-D(x)) + mean softplus(D(G(z))).

    That is -mean log sigma(D(x)) - mean log(1 - sigma(D(G(z)))), the negative of the value
    function in Goodfellow et al., "Generative adversarial nets", 2014, equation 1.
    """
    return softplus(-real_logits).mean(-1) + softplus(fake_logits).mean(-1)


def _minimax_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Minus mean softplus(D(G(z))), that is mean log(1 - sigma(D(G(z)))).

    Goodfellow et al. 2014, equation 1. Its slope is -sigma(D(G(z))), which vanishes if D is sure that a sample is
    generated: the loss saturates, as the paper's section 3 says.
    """
    return -softplus(fake_logits).mean(-1)


def _non_saturating_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Mean softplus(-D(G(z))), that is -mean log sigma(D(G(z))).

    Goodfellow et al. 2014, section 3, the alternative for the generator: its slope tends to -1 if D is sure that a
    sample is generated.
    """
    return softplus(-fake_logits).mean(-1)


def _least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean (D(x) - 1)^2 + mean D(G(z))^2.

    Mao et al., "Least squares generative adversarial networks", 2017, section 3, with the targets
    1 for real and 0 for generated; without the paper's factors 1/2.
    """
    return (real_logits - 1).square().mean(-1) + fake_logits.square().mean(-1)


def _least_squares_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Mean (D(G(z)) - 1)^2; Mao et al. 2017, section 3, without the factor 1/2."""
    return (fake_logits - 1).square().mean(-1)


def _wasserstein_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean D(G(z)) - mean D(x).

    Arjovsky, Chintala and Bottou, "Wasserstein GAN", 2017, section 3. It estimates a distance only while D's slope is
    bounded: by the setting ``weight_clip`` as in that paper, or by a penalty.
    """
    return fake_logits.mean(-1) - real_logits.mean(-1)


def _mean_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Minus mean D(G(z)): of Wasserstein GAN (Arjovsky et al. 2017) and of the hinge loss."""
    return -fake_logits.mean(-1)


def _hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z))).

    Lim and Ye, "Geometric GAN", 2017; Miyato et al., "Spectral normalization for generative
    adversarial networks", 2018.
    """
    return relu(1 - real_logits).mean(-1) + relu(1 + fake_logits).mean(-1)


def _relativistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean softplus(D(G(z)) - D(x)): every generated sample against one real one.

    Jolicoeur-Martineau, "The relativistic discriminator", 2018; Huang et al., "The GAN is dead;
    long live the GAN! A modern GAN baseline" (R3GAN), 2024, section 2.
    """
    return softplus(fake_logits - real_logits).mean(-1)


def _relativistic_generator(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """Mean softplus(D(x) - D(G(z))); R3GAN, section 2. Unlike the others it needs real logits."""
    if real_logits is None:
        raise ValueError(
            Message(
                "the relativistic loss of the generator needs the logits of a real batch; pass real_logits"
            )
        )
    return softplus(real_logits - fake_logits).mean(-1)


# --- verdicts -------------------------------------------------------------------------------------


def _zero(real_logits: Tensor, fake_logits: Tensor) -> float:
    return 0.0


def _half(real_logits: Tensor, fake_logits: Tensor) -> float:
    return 0.5


def midpoint(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the midpoint of both means over the last axis."""
    return (real_logits.mean(-1) + fake_logits.mean(-1)) / 2


def midway(real_logits: Tensor, fake_logits: Tensor) -> float:
    """Midpoint of the two means: these losses determine D only up to a constant."""
    return float(real_logits.mean() + fake_logits.mean()) / 2


def _probability(logits: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return logits.sigmoid()


def _clamped(logits: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return logits.clamp(0, 1)


def relative(logits: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return sigma((logit - midpoint) / spread), where spread is half the deviation of all given logits.

    The critic's unit is arbitrary, so it is scaled by the spread of its outputs. For two tight groups the means become
    sigma(-2) = .12 and sigma(2) = .88.
    """
    spread = torch.cat((real_logits, fake_logits)).std(correction=0) / 2
    smallest = torch.finfo(spread.dtype).tiny
    return ((logits - midway(real_logits, fake_logits)) / spread.clamp_min(smallest)).sigmoid()


_ALL = (
    Loss(
        "minimax",
        loss_d=_logistic_discriminator,
        loss_g=_minimax_generator,
        needs_real=False,
        threshold=_zero,
        verdict=_probability,
    ),
    Loss(
        "non_saturating",
        loss_d=_logistic_discriminator,
        loss_g=_non_saturating_generator,
        needs_real=False,
        threshold=_zero,
        verdict=_probability,
    ),
    Loss(
        "least_squares",
        loss_d=_least_squares_discriminator,
        loss_g=_least_squares_generator,
        needs_real=False,
        threshold=_half,
        verdict=_clamped,
    ),
    Loss(
        "wasserstein",
        loss_d=_wasserstein_discriminator,
        loss_g=_mean_generator,
        needs_real=False,
        threshold=midway,
        verdict=relative,
    ),
    Loss(
        "hinge",
        loss_d=_hinge_discriminator,
        loss_g=_mean_generator,
        needs_real=False,
        threshold=_zero,
        verdict=_probability,
    ),
    Loss(
        "relativistic",
        loss_d=_relativistic_discriminator,
        loss_g=_relativistic_generator,
        needs_real=True,
        threshold=midway,
        verdict=relative,
    ),
)

LOSSES: Mapping[str, Loss] = MappingProxyType({loss.name: loss for loss in _ALL})
"""Every loss by name in the settings."""
