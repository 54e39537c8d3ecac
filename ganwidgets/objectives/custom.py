"""User-defined objectives: their interface, and defaults for optional members."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.objectives.losses import LOSSES, Loss, midway, relative
from ganwidgets.objectives.penalties import Penalty
from ganwidgets.settings import OWN

__all__ = ["Objective", "checked", "loss_named", "name_of", "with_defaults"]


@runtime_checkable
class Objective(Protocol):
    """Losses of the two networks; any object with these two methods is one.

    The built-in losses are objectives too. Logits are float32 ``[n]``, one for each sample, or for each pack of samples
    if the setting ``packing`` is above 1. A loss is a scalar, differentiable with respect to the logits. Neither method
    may keep state between two calls, because a run that goes back in time repeats its updates.

    Optional members:

    name : str
        Display name, stored in saved runs; the class's name if omitted.
    needs_real : bool
        True if `loss_g` needs the logits of a fresh real batch; by default, if `loss_g` has a required second
        parameter.
    penalty : callable
        ``penalty(discriminator, real, fake, weight, generator) -> scalar``, added to D's loss while the setting
        ``penalty`` is ``"own"``; see :class:`Penalty`.
    threshold : callable
        ``threshold(real_logits, fake_logits) -> float``; a logit above it is the verdict "real". The default is the
        midpoint of the two means.
    verdict : callable
        ``verdict(logits, real_logits, fake_logits)`` returns the verdict as a degree in [0, 1], for pictures of D.

    Examples
    --------
    >>> class Cautious:
    ...     name = "least squares towards 0.9"
    ...
    ...     def loss_d(self, real_logits, fake_logits):
    ...         return (real_logits - 0.9).square().mean() + fake_logits.square().mean()
    ...
    ...     def loss_g(self, fake_logits):
    ...         return (fake_logits - 0.9).square().mean()
    >>> isinstance(Cautious(), Objective), isinstance(LOSSES["hinge"], Objective)
    (True, True)
    """

    def loss_d(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return the discriminator's loss."""

    def loss_g(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """Return the generator's loss.

        Parameters
        ----------
        fake_logits : Tensor [n]
        real_logits : Tensor [n] or None
            Without gradients; None if `needs_real` is False. The parameter may be omitted.
        """


def name_of(objective: Objective) -> str:
    """Return the display name of an objective."""
    return str(getattr(objective, "name", type(objective).__name__))


def loss_named(name: str, own: Objective | None = None) -> Loss:
    """Return the complete loss for the value `name` of the setting ``loss``.

    Parameters
    ----------
    own : Objective, optional
        The user's loss, for the value ``"own"``.
    """
    if name != OWN:
        return LOSSES[name]
    assert own is not None  # otherwise the setting would have been refused
    return with_defaults(own)


def with_defaults(own: Any) -> Loss:
    """Return an objective with defaults for its missing optional members.

    Raises
    ------
    DataError
        If a method is missing or not callable, or `own` is a class.
    """
    if isinstance(own, type):
        raise DataError(
            Message("objective is the class {name}; pass an instance of it, {name}()", name=own.__name__)
        )
    for member in ("loss_d", "loss_g"):
        if not callable(getattr(own, member, None)):
            raise DataError(
                Message(
                    "the objective {name} has no method {member}; it needs loss_d(real_logits, fake_logits) and "
                    "loss_g(fake_logits), or loss_g(fake_logits, real_logits)",
                    name=name_of(own),
                    member=member,
                )
            )
    possible, needed = _second_parameter(own.loss_g)
    return Loss(
        name_of(own),
        loss_d=own.loss_d,
        loss_g=own.loss_g if possible else _of_fake_alone(own.loss_g),
        needs_real=bool(getattr(own, "needs_real", needed)),
        threshold=getattr(own, "threshold", midway),
        verdict=getattr(own, "verdict", relative),
        penalty=getattr(own, "penalty", None),
    )


def _of_fake_alone(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor | None], Tensor]:
    return lambda fake_logits, _real_logits: function(fake_logits)


def _second_parameter(function: Callable[..., Any]) -> tuple[bool, bool]:
    """Return whether `function` takes a second positional argument, and whether it is required."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some C functions
        return True, False
    placed = [
        p
        for p in signature.parameters.values()
        if p.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in signature.parameters.values()):
        return True, False
    return len(placed) > 1, len(placed) > 1 and placed[1].default is inspect.Parameter.empty


def checked(objective: Objective, shape: tuple[int, ...]) -> list[Tensor]:
    r"""Call an objective on test logits, and its penalty on test samples of `shape`; return the complete objective.

    Raises
    ------
    DataError
        If it raises, or does not return a differentiable scalar.
    """
    with torch.enable_grad():
        own = with_defaults(objective)
        real, fake = (torch.linspace(low, 1.0, 4).requires_grad_() for low in (-0.5, -1.0))
        loss_d = _tried(own, "loss_d", (real, fake), lambda: own.loss_d(real, fake))
        shown = real.detach() if own.needs_real else None
        loss_g = _tried(own, "loss_g", (fake,), lambda: own.loss_g(fake, shown))
        found = [loss_d, loss_g]
        if own.penalty is not None:
            found.append(_tried_penalty(own, own.penalty, shape))
    return found


def _tried_penalty(own: Loss, penalty: Penalty, shape: tuple[int, ...]) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    scale = torch.ones((), requires_grad=True)

    def discriminator(x: Tensor) -> Tensor:
        return scale * x.flatten(1).square().sum(1)

    real, fake = (torch.randn(4, *shape, generator=draw, device="cpu") for _ in range(2))
    return _tried(own, "penalty", (scale,), lambda: penalty(discriminator, real, fake, 1.0, draw))


def _tried(own: Loss, what: str, inputs: tuple[Tensor, ...], call: Callable[[], Any]) -> Tensor:
    try:
        found = call()
    except Exception as error:
        raise DataError(
            Message(
                "{what} of the objective {name} failed on a batch of 4 logits: {error}",
                what=what,
                name=own.name,
                error=f"{type(error).__name__}: {error}",
            )
        ) from error
    if not isinstance(found, Tensor) or found.ndim != 0 or not found.is_floating_point():
        is_tensor = isinstance(found, Tensor)
        raise DataError(
            Message(
                "{what} of the objective {name} returned {found}; it must return one number, a tensor of shape (), "
                "such as a mean over the batch",
                what=what,
                name=own.name,
                found=Message("a tensor of shape {shape}", shape=tuple(found.shape))
                if is_tensor
                else Message("a {type}, not a tensor", type=type(found).__name__),
            )
        )
    slopes = torch.autograd.grad(found, inputs, allow_unused=True) if found.requires_grad else (None,)
    if all(slope is None for slope in slopes):
        raise DataError(
            Message(
                "{what} of the objective {name} does not depend on the discriminator, or not differentiably; compute "
                "it from what it is given, in torch and without detach or item",
                what=what,
                name=own.name,
            )
        )
    return found.detach()
