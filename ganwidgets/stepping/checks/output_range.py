"""Check of a network's output range.

The last operation of a network is read from autograd's graph, which shows `torch.sigmoid(x)` and `nn.Sigmoid()` alike.
Compiled code hides it and is not checked.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ganwidgets.errors import DataError, DataWarning
from ganwidgets.messages import Message

__all__ = ["FinalActivation", "check_logits", "check_samples", "ending"]


@dataclass(frozen=True)
class FinalActivation:
    """A bounded function at the end of a network.

    Attributes
    ----------
    name : str
        Display name.
    low, high : float
        Bounds of its values.
    """

    name: str
    low: float
    high: float


_ENDINGS = {
    "SigmoidBackward": FinalActivation("sigmoid", 0, 1),
    "HardsigmoidBackward": FinalActivation("hard sigmoid", 0, 1),
    "SoftmaxBackward": FinalActivation("softmax", 0, 1),
    "ReluBackward": FinalActivation("ReLU", 0, math.inf),
    "SoftplusBackward": FinalActivation("softplus", 0, math.inf),
    "LogSigmoidBackward": FinalActivation("log-sigmoid", -math.inf, 0),
    "TanhBackward": FinalActivation("tanh", -1, 1),
}

_REARRANGING = {
    *("ViewBackward", "UnsafeViewBackward", "ReshapeAliasBackward", "AsStridedBackward", "CloneBackward"),
    *("SqueezeBackward", "UnsqueezeBackward", "TBackward", "TransposeBackward", "PermuteBackward"),
    *("SelectBackward", "SliceBackward", "AliasBackward", "ExpandBackward", "ToCopyBackward"),
}
"""Operations that return their input's numbers, all or some."""

MARGIN = 0.05
"""Tolerance for values beyond a network's range: a twentieth of an image's grey levels."""


def ending(output: Tensor) -> FinalActivation | None:
    """Return the bounded function at the end of the network that made `output`, or None.

    Parameters
    ----------
    output : Tensor
        Made while gradients were recorded.
    """
    node: Any = output.grad_fn
    while node is not None:
        kind = node.name().rstrip("0123456789")
        if kind not in _REARRANGING:
            return _ENDINGS.get(kind)
        node = node.next_functions[0][0]
    return None


def check_samples(fake: Tensor, real: Tensor, *, images: bool) -> None:
    """Check that a generator that made `fake` can make samples like `real`, both in training units.

    Parameters
    ----------
    fake : Tensor
        Made while gradients were recorded.
    real : Tensor
        A batch of the data.
    images : bool
        True for images, which train in [-1, 1].

    Raises
    ------
    DataError
        If it never can, such as a sigmoid for images, which train in [-1, 1].

    Warns
    -----
    DataWarning
        If it probably cannot, or only after large changes.
    """
    end = ending(fake)
    if end is not None and _beyond(real, end) > 0.1:
        found = Message(
            "the generator ends in a {ending}, so every number that it makes is between {low:g} and {high:g}, but "
            "the first real samples go from {least:.3g} to {most:.3g}",
            ending=end.name,
            low=end.low,
            high=end.high,
            least=float(real.min()),
            most=float(real.max()),
        )
        if images:
            raise DataError(
                Message(
                    "{found}: images train in [-1, 1]; let the generator end in a tanh instead", found=found
                )
            )
        _warn(Message("{found}; let the generator end in a linear layer", found=found))
        return
    if fake.is_complex():
        raise DataError(
            Message("the generator makes complex numbers; let it return real ones, such as x.real")
        )
    low, high = float(fake.detach().min()), float(fake.detach().max())
    if images and (low < -1 - MARGIN or high > 1 + MARGIN):
        found = Message(
            "the generator's first images have values from {low:.3g} to {high:.3g}, but images train in [-1, 1]; let "
            "the generator end in a tanh",
            low=low,
            high=high,
        )
        if low > 1 or high < -1:
            raise DataError(found)
        _warn(found)


def check_logits(logits: Tensor, loss: str) -> None:
    """Check that a discriminator that made `logits` returns logits, and not probabilities.

    Parameters
    ----------
    logits : Tensor
        Made while gradients were recorded.
    loss : str
        The setting of this name.

    Raises
    ------
    DataError
        If it ends in a sigmoid or a softmax, under a loss that applies the sigmoid itself or needs unbounded logits.

    Warns
    -----
    DataWarning
        If its output is bounded otherwise; or under least squares, where a sigmoid can approach the targets 0 and 1.
    """
    end = ending(logits)
    if end is None or loss == "own":  # an objective of one's own may ask for probabilities
        return
    found = Message(
        "the discriminator ends in a {ending}, so its output is between {low:g} and {high:g}, but it must return "
        "logits, which can be any number: the losses apply the sigmoid themselves; leave the {ending} out",
        ending=end.name,
        low=end.low,
        high=end.high,
    )
    if (end.low, end.high) == (0, 1) and (loss != "least_squares" or end.name == "softmax"):
        raise DataError(found)
    _warn(found)


def _beyond(real: Tensor, end: FinalActivation) -> float:
    """Return the share of `real` beyond the range of `end`."""
    return float(((real < end.low - MARGIN) | (real > end.high + MARGIN)).float().mean())


def _warn(sentence: Message) -> None:
    warnings.warn(sentence, DataWarning, stacklevel=4)
