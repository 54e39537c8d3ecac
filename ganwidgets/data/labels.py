"""Labels: one integer for each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganwidgets.data.images.scaling import numbers
from ganwidgets.errors import DataError
from ganwidgets.messages import Message

__all__ = ["item_label", "labels_of"]


def labels_of(y: Any, n: int) -> Tensor:
    """Return the labels `y` of `n` samples, int64 [n].

    Parameters
    ----------
    y
        Integers or bools, of shape [n] or [n, 1].
    n : int

    Raises
    ------
    DataError
        If it is anything else; the message says how to convert it to labels.
    """
    remedy = Message("number the classes: y = np.unique(y, return_inverse=True)[1]")
    try:
        found = numbers(y, "y")
    except DataError as error:
        raise DataError(
            Message(
                "the labels y are no whole numbers ({error}); {remedy}", error=error.args[0], remedy=remedy
            )
        ) from error
    if found.shape == (n, 1):
        found = found[:, 0]
    if found.ndim == 2 and len(found) == n and _is_one_hot(found):
        raise DataError(
            Message(
                "the labels y have shape {shape}, a column for each class (one-hot); pass the classes' numbers: "
                "y.argmax(1)",
                shape=tuple(found.shape),
            )
        )
    if found.shape != (n,):
        raise DataError(
            Message(
                "the labels y have shape {shape}, but there are {n} samples; pass one label for each, of shape ({n},)",
                shape=tuple(found.shape),
                n=n,
            )
        )
    if found.is_floating_point():
        if not found.isfinite().all():
            place = int((~found.isfinite()).byte().argmax())
            raise DataError(
                Message(
                    "the label of sample {place} is {label:g}; leave out the samples without a label",
                    place=place,
                    label=found[place].item(),
                )
            )
        whole = bool((found == found.round()).all())
        raise DataError(
            Message(
                "the labels y are of type float, not integers; {remedy}",
                remedy=Message("pass y.astype(int), of a tensor y.long()") if whole else remedy,
            )
        )
    return found.long()


def item_label(found: Any, what: str) -> int:
    """Return the label of one item of a Dataset.

    Raises
    ------
    DataError
        If it is not one integer; the message names the item and the remedy.
    """
    if isinstance(found, Tensor | np.ndarray) and np.prod(found.shape) == 1:
        found = found.item()
    if isinstance(found, bool | np.bool_) or not isinstance(found, int | np.integer):
        raise DataError(
            Message(
                "the label of {what} is {label!r}; labels must be whole numbers, such as class numbers{hint}",
                what=what,
                label=found,
                hint=_hint(found),
            )
        )
    return int(found)


def _is_one_hot(found: Tensor) -> bool:
    return found.shape[1] > 1 and bool(((found == 0) | (found == 1)).all() and (found.sum(1) == 1).all())


def _hint(found: Any) -> Message | str:
    """Return a hint how a Dataset can convert `found` to a class number."""
    if (
        isinstance(found, Tensor | np.ndarray)
        and found.ndim == 1
        and _is_one_hot(torch.as_tensor(found)[None])
    ):
        return Message("; it is one-hot: let the dataset return y.argmax()")
    if isinstance(found, str):
        return Message("; number the classes: classes.index(y)")
    if isinstance(found, bool | float | np.bool_ | np.floating):
        return Message("; let the dataset return int(y)")
    return ""
