"""Samples that lie in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from torch import Tensor

from ..errors import DataError
from ..messages import Message
from .source import SHUFFLED_AT_ONCE, FiniteSource, Kind
from .units import Units, image_units, in_training_units, numbers, refuse_broken, sample_shape

__all__ = ["ArraySource", "in_memory", "load_array", "load_pair", "restored_array"]

_HASHED_AT_ONCE = 4096  # samples


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ArraySource(FiniteSource):
    r"""A source whose samples lie in one tensor.

    Attributes
    ----------
    samples : Tensor, uint8 or float32 [N, \*shape]
        uint8 images stay bytes, a quarter of the memory, until they are read.
    units : {"as is", "bytes"}
        What `samples` are measured in.
    """

    samples: Tensor
    units: Units

    def read(self, indices: Tensor) -> Tensor:
        return in_training_units(self.samples.index_select(0, indices), self.units)

    def whole_epochs(self) -> bool:
        return self.samples.numel() * 4 <= SHUFFLED_AT_ONCE

    def stored(self) -> Tensor | None:
        return None if self.preset else in_training_units(self.samples, self.units)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the samples in the units of training, and of the labels."""
        sha = hashlib.sha256(f"{self.kind} {self.size} {self.shape}\n".encode())
        for start in range(0, self.size, _HASHED_AT_ONCE):
            part = self.samples[start : start + _HASHED_AT_ONCE]
            sha.update(in_training_units(part, self.units).numpy().tobytes())
        if self.labels is not None:
            sha.update(b"labels\n")
            sha.update(self.labels.numpy().tobytes())
        return sha.hexdigest()


def load_array(data: Any) -> ArraySource:
    """Return the source for an array or a tensor, of which it keeps a copy.

    Parameters
    ----------
    data
        ``[N, F]`` points, or ``[N, H, W]`` or ``[N, C, H, W]`` images, uint8 or float: a tensor, or
        anything that NumPy makes an array of, such as a DataFrame.

    Raises
    ------
    DataError
        If it cannot be trained on: what is wrong with it, and what helps.
    """
    what = Message("the tensor") if isinstance(data, Tensor) else Message("the array")
    found = numbers(data, what)
    if found.ndim == 1 and len(found):
        raise DataError(
            Message(
                "{what} has one dimension, of length {n}; for {n} points of one coordinate pass x.reshape(-1, 1)",
                what=what,
                n=len(found),
            )
        )
    if found.ndim == 0 or found.ndim > 4:
        raise DataError(
            Message(
                "{what} has shape {shape}; points are [N, F], images [N, H, W] or [N, C, H, W]",
                what=what,
                shape=tuple(found.shape),
            )
        )
    if not found.numel():
        raise DataError(
            Message(
                "{what} has shape {shape}, it is empty; pass at least one sample of at least one number",
                what=what,
                shape=tuple(found.shape),
            )
        )
    kind, shape = sample_shape(found.shape[1:], Message("one sample of {what}", what=what))
    refuse_broken(found, what)
    units = image_units(found, what) if kind == "images" else "as is"
    return in_memory(found.reshape(-1, *shape), kind, units)


def load_pair(pair: tuple[Any, ...]) -> ArraySource:
    """Return the source for ``(X, y)``: what :func:`load_array` takes, and one label for each sample.

    Raises
    ------
    DataError
        If `X` cannot be trained on, or `y` is not one whole number for each sample.
    """
    if len(pair) != 2:
        raise DataError(
            Message(
                "a tuple of {n} things is no data; a pair (X, y) has samples and their labels", n=len(pair)
            )
        )
    source = load_array(pair[0])
    labels = numbers(pair[1], "y")
    if labels.is_floating_point():
        raise DataError(
            Message("the labels y are not whole numbers; convert them to integers, such as class numbers")
        )
    if labels.shape != (source.size,):
        raise DataError(
            Message(
                "the labels y have shape {shape}, but there are {n} samples; pass one label for each, "
                "of shape ({n},)",
                shape=tuple(labels.shape),
                n=source.size,
            )
        )
    return replace(source, labels=labels.long())


def restored_array(samples: Tensor, labels: Tensor | None, kind: Kind) -> ArraySource:
    r"""Return the source whose :meth:`Source.stored` gave `samples`.

    Parameters
    ----------
    samples : Tensor, float32 [N, \*shape]
        In the units of training.
    labels : Tensor or None
        int64 [N].
    kind : {"points", "images"}
    """
    labels = None if labels is None else labels.clone()
    return in_memory(samples.clone(), kind, "as is", labels=labels)


def in_memory(
    samples: Tensor,
    kind: Kind,
    units: Units,
    *,
    name: str = "",
    preset: str | None = None,
    labels: Tensor | None = None,
) -> ArraySource:
    r"""Return the source for `samples` [N, \*shape] in `units`, which are nobody else's."""
    if units != "bytes":
        samples, units = in_training_units(samples, units), "as is"
    n = len(samples)
    called = Message("array of {n} points", n=n) if kind == "points" else Message("array of {n} images", n=n)
    return ArraySource(
        name=name or called,
        kind=kind,
        shape=tuple(samples.shape[1:]),
        size=n,
        preset=preset,
        labels=labels,
        samples=samples,
        units=units,
    )
