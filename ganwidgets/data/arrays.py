"""Sources whose samples are in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ganwidgets.data.images.scaling import (
    AS_IS,
    OF_BYTES,
    Units,
    in_training_units,
    numbers,
    refuse_broken,
    units_of,
)
from ganwidgets.data.labels import labels_of
from ganwidgets.data.options import NO_OPTIONS, DataOptions, Kind
from ganwidgets.data.points.standardization import Standardization
from ganwidgets.data.shapes import sample_shape
from ganwidgets.data.source import SHUFFLED_AT_ONCE, FiniteSource
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.modality import MODALITIES

__all__ = ["ArraySource", "in_memory", "load_array", "load_pair", "restored_array"]

_HASHED_AT_ONCE = 4096  # samples


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ArraySource(FiniteSource):
    r"""A source whose samples are in one tensor.

    Attributes
    ----------
    samples : Tensor, uint8, int64, float32 or float64 [N, \*shape]
        uint8 images and standardized points keep their dtype until they are read; bytes need a quarter of the memory.
    units : Units
        Units of `samples`: the range of bytes, or the scales of the columns.
    """

    samples: Tensor
    units: Units

    def read(self, indices: Tensor) -> Tensor:
        return in_training_units(self.samples.index_select(0, indices), self.units)

    def read_in_own_units(self, indices: Tensor) -> Tensor:
        if self.units.standardization is None:
            return super().read_in_own_units(indices)
        return self.samples.index_select(0, indices).float()

    def whole_epochs(self) -> bool:
        return self.samples.numel() * 4 <= SHUFFLED_AT_ONCE

    def stored(self) -> Tensor | None:
        if self.preset is not None:
            return None
        return self.samples if self.units.standardization else in_training_units(self.samples, self.units)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the samples in the units of training, and of the labels."""
        sha = hashlib.sha256(f"{self.kind} {self.size} {self.shape}\n".encode())
        if self.units.standardization is not None:
            sha.update(f"{self.units}\n".encode())
        for start in range(0, self.size, _HASHED_AT_ONCE):
            part = self.samples[start : start + _HASHED_AT_ONCE]
            sha.update(in_training_units(part, self.units).numpy().tobytes())
        if self.labels is not None:
            sha.update(b"labels\n")
            sha.update(self.labels.numpy().tobytes())
        return sha.hexdigest()


def load_array(data: Any, options: DataOptions = NO_OPTIONS) -> ArraySource:
    """Return the source for an array or a tensor; the source keeps a copy.

    Parameters
    ----------
    data
        ``[N, F]`` points, or ``[N, H, W]`` or ``[N, C, H, W]`` images, uint8 or float: a tensor, or anything that NumPy
        converts to an array, such as a DataFrame.
        anything that NumPy makes an array of, such as a DataFrame.
    options : DataOptions
        The user's options for the data.

    Raises
    ------
    DataError
        If it cannot be trained on; the message names the cause and the remedy.
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
    shape = tuple(found.shape[1:])
    if found.ndim == 0 or (
        found.ndim > 4
        and options.kind is None
        and not any(each.recognizes(shape, what, False) for each in MODALITIES.values())
    ):
        raise DataError(
            Message(
                "{what} has shape {shape}; points are [N, F], images [N, H, W] or [N, C, H, W]; for other numbers pass "
                'kind="points", which flattens them',
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
    kind, shape = sample_shape(
        found.shape[1:],
        Message("one sample of {what}", what=what),
        kind=options.kind,
        pixels=found.dtype in (torch.uint8, torch.bool),
    )
    refuse_broken(found, what)
    found = found.reshape(-1, *shape)
    units = units_of(found, kind, options, what)
    return in_memory(found, kind, units, options=units.noted(options, kind))


def load_pair(pair: tuple[Any, ...], options: DataOptions = NO_OPTIONS) -> ArraySource:
    """Return the source for ``(X, y)``: data as for :func:`load_array`, and one label for each sample.

    Raises
    ------
    DataError
        If `X` cannot be trained on, or if `y` is not one integer for each sample.
    """
    if len(pair) != 2:
        raise DataError(
            Message(
                "a tuple of {n} things is no data; a pair (X, y) has samples and their labels", n=len(pair)
            )
        )
    source = load_array(pair[0], options)
    return replace(source, labels=labels_of(pair[1], source.size))


def restored_array(
    samples: Tensor, labels: Tensor | None, kind: Kind, options: DataOptions = NO_OPTIONS
) -> ArraySource:
    r"""Return the source for `samples` that :meth:`Source.stored` returned.

    Parameters
    ----------
    samples : Tensor [N, \*shape]
        As :meth:`Source.stored` returned them.
    labels : Tensor or None
        int64 [N].
    kind : str
    options : DataOptions
        Options of the stored source.
    """
    labels = None if labels is None else labels.clone()
    units = AS_IS
    if isinstance(options.standardize, tuple):
        units = Units(None, Standardization(*options.standardize))
    return in_memory(samples.clone(), kind, units, labels=labels, options=options)


def in_memory(
    samples: Tensor,
    kind: Kind,
    units: Units,
    *,
    name: str = "",
    preset: str | None = None,
    labels: Tensor | None = None,
    options: DataOptions = NO_OPTIONS,
) -> ArraySource:
    r"""Return the source for `samples` [N, \*shape] in `units`; it takes ownership of them."""
    if units.standardization is not None:
        samples = samples.float() if samples.dtype == torch.uint8 else samples
    elif units != OF_BYTES or samples.dtype != torch.uint8:
        samples, units = in_training_units(samples, units), AS_IS
    n = len(samples)
    return ArraySource(
        name=name or Message(MODALITIES[kind].array_name, n=n),
        kind=kind,
        shape=tuple(samples.shape[1:]),
        size=n,
        preset=preset,
        labels=labels,
        options=options,
        samples=samples,
        units=units,
    )
