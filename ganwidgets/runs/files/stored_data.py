"""Storage of small arrays with a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganwidgets.data import DataOptions, Source, load_data, restored_array
from ganwidgets.data.images.scaling import OF_BYTES, in_training_units
from ganwidgets.data.options import Kind
from ganwidgets.errors import CheckpointError, DataError
from ganwidgets.messages import Message
from ganwidgets.modality import MODALITIES, Modality
from ganwidgets.runs.state.state_tree import data_name

__all__ = ["LARGEST_STORED_DATA", "as_it_was_read", "data_missing", "samples_of", "source_of_samples"]

LARGEST_STORED_DATA = 16 * 2**20
"""Maximum bytes of an array that is stored with a run."""


_OWN_UNITS = {torch.float32, torch.float64, torch.int64}
"""Dtypes of standardized points, which are stored in their own units."""


def samples_of(source: Source) -> Tensor | None:
    """Return the samples to store with a run.

    They are float32, uint8 for images that came as bytes, and float32, float64 or int64 for standardized points.
    """
    if source.size is None or source.size * math.prod(source.shape) > LARGEST_STORED_DATA:
        return None
    samples = source.stored()
    if samples is not None and torch.uint8 in source.modality.stored:
        pixels = ((samples + 1) * 127.5).round().to(torch.uint8)
        if torch.equal(in_training_units(pixels, OF_BYTES), samples):
            samples = pixels
    return samples if samples is not None and samples.nbytes <= LARGEST_STORED_DATA else None


def source_of_samples(
    samples: Tensor, labels: Tensor | None, kind: Kind, options: Mapping[str, Any]
) -> Source:
    """Inverse of :func:`samples_of`.

    Parameters
    ----------
    samples, labels, kind
        Of that source.
    options : mapping
        Its options, as plain values.

    Raises
    ------
    CheckpointError
        If the kind of data is not registered.
    ValueError
        If the samples are invalid.
    """
    modality = MODALITIES.get(kind)
    if modality is None:
        raise CheckpointError(
            Message(
                "the run has data of the kind {kind!r}, which is not registered; pass its declaration to "
                "gw.register_modality first",
                kind=kind,
            )
        )
    taken = DataOptions.restored(options)
    standardized = isinstance(taken.standardize, tuple)
    types = _OWN_UNITS if standardized and "standardize" in modality.options else modality.stored
    if samples.dtype not in types or samples.dim() < 2 or not samples.numel():
        raise ValueError(f"{kind} are stored otherwise than as {samples.dtype} {tuple(samples.shape)}")
    if not _fits(modality, samples) or not samples.float().isfinite().all():
        raise ValueError(f"samples of shape {tuple(samples.shape)} are no {kind}")
    if labels is not None and (labels.dtype != torch.int64 or labels.shape != samples.shape[:1]):
        raise ValueError(f"labels are stored otherwise than as {labels.dtype} {tuple(labels.shape)}")
    if isinstance(taken.standardize, tuple) and (
        "standardize" not in modality.options or len(taken.standardize[0]) != samples.shape[1]
    ):
        raise ValueError(f"samples of shape {tuple(samples.shape)} are standardized otherwise")
    if samples.dtype == torch.uint8:
        samples = in_training_units(samples, OF_BYTES)
    return restored_array(samples, labels, kind, taken)


def _fits(modality: Modality, samples: Tensor) -> bool:
    """Return whether samples of this shape train as they are stored."""
    shape = tuple(samples.shape[1:])
    try:
        return modality.shape_of(shape, "") == shape
    except DataError:
        return False


def as_it_was_read(data: Any, stored: Iterable[tuple[str, Mapping[str, Any]]]) -> Any:
    """Return `data`, passed again by the user, read with the stored options.

    Parameters
    ----------
    data
        Anything that :func:`ganwidgets.data.load_data` takes.
    stored : iterable of (str, mapping)
        The name and the options, in plain values, of each data of the run.

    Returns
    -------
    Source or object
        The first source with a stored name; `data` itself if there is none.
    """
    for name, plain in stored:
        options = DataOptions.restored(plain)
        if isinstance(data, Source):
            continue
        # A table that was read by its columns may be passed as the array of these.
        for each in (options, replace(options, columns=None, labels=None)):
            try:
                source = load_data(data, each)
            except DataError:  # the options of other data need not suit these
                continue
            if data_name(source) == name:
                return source
    return data


def data_missing(name: str) -> Message:
    """Return the error text for a run whose data, called `name`, was not stored."""
    return Message("the data of this run ({name}) is not in the file; pass it as data=...", name=name)
