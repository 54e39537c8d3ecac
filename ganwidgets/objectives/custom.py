"""Objectives of one's own: what they must offer, and how they are made complete."""

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
    """A game between the two networks; any object with these two methods is one.

    The built-in games are objectives too. Logits are float32 ``[n]``, one for each sample (one for
    each pack of samples where the setting ``packing`` is above 1); a loss is a scalar that can be
    differentiated by them. Neither method may keep anything between two calls, because a run that
    goes back in time carries its updates out again.

    Further members are used where an objective has them:

    name : str
        What people see and a saved run remembers; the class's name otherwise.
    needs_real : bool
        Whether `loss_g` needs the logits of a fresh real batch; otherwise true where `loss_g` has a
        second parameter without a default.
    penalty : callable
        ``penalty(discriminator, real, fake, weight, generator) -> scalar``, which is added to D's
        loss while the setting ``penalty`` is ``"own"``; see :class:`Penalty`.
    threshold : callable
        ``threshold(real_logits, fake_logits) -> float``; a logit above it is the verdict "real".
        Midway between the two means otherwise.
    verdict : callable
        ``verdict(logits, real_logits, fake_logits)``, the same as a degree in [0, 1], which a
        picture of D shows.

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
        """Return what the discriminator minimises."""

    def loss_g(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """Return what the generator minimises.

        Parameters
        ----------
        fake_logits : Tensor [n]
        real_logits : Tensor [n] or None
            Without gradients; None where `needs_real` is false. The parameter may be left out.
        """


def name_of(objective: Objective) -> str:
    """Return what people call an objective."""
    return str(getattr(objective, "name", type(objective).__name__))


def loss_named(name: str, own: Objective | None = None) -> Loss:
    """Return the loss that the value `name` of the setting ``loss`` names, complete.

    Parameters
    ----------
    own : Objective, optional
        What the value ``"own"`` stands for.
    """
    if name != OWN:
        return LOSSES[name]
    assert own is not None  # or the setting would have been refused
    return with_defaults(own)


def with_defaults(own: Any) -> Loss:
    """Return an objective with everything that it leaves out.

    Raises
    ------
    DataError
        If a method is missing or no function.
    """
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
        needs_real=bool(getattr(own, "uses_real", needed)),
        threshold=getattr(own, "threshold", midway),
        verdict=getattr(own, "verdict", relative),
        penalty=getattr(own, "penalty", None),
    )


def _of_fake_alone(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor | None], Tensor]:
    return lambda fake_logits, _real_logits: function(fake_logits)


def _second_parameter(function: Callable[..., Any]) -> tuple[bool, bool]:
    """Return whether `function` takes a second positional argument, and whether it must have it."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C
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
    r"""Try an objective on made-up logits, and its penalty on made-up samples of `shape`; return what it gives.

    Raises
    ------
    DataError
        If it raises an error, or does not return a scalar that can be differentiated.
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
