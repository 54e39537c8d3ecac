"""Data that a stored run takes along: arrays that are small."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..data import Source, restored_array
from ..data.source import Kind
from ..data.units import Units, in_training_units
from ..messages import Message

__all__ = ["LARGEST_STORED_DATA", "data_missing", "samples_of", "source_of_samples"]

LARGEST_STORED_DATA = 16 * 2**20
"""Bytes of an array that a stored run takes along."""


def samples_of(source: Source) -> Tensor | None:
    """Return the samples that a stored run takes along: float32, or uint8 for images that came as bytes."""
    if source.size is None or source.size * math.prod(source.shape) > LARGEST_STORED_DATA:
        return None
    samples = source.stored()
    if samples is not None and source.kind == "images":
        pixels = ((samples + 1) * 127.5).round().to(torch.uint8)
        if torch.equal(in_training_units(pixels, "bytes"), samples):
            samples = pixels
    return samples if samples is not None and samples.nbytes <= LARGEST_STORED_DATA else None


def source_of_samples(samples: Tensor, labels: Tensor | None, kind: Kind) -> Source:
    """Return the source of which :func:`samples_of` returned `samples`."""
    units: Units = "bytes" if samples.dtype == torch.uint8 else "as is"
    return restored_array(in_training_units(samples, units), labels, kind)


def data_missing(name: str) -> Message:
    """Return the sentence for a run whose data, called `name`, was not taken along."""
    return Message("the data of this run ({name}) is not in the file; pass it as data=...", name=name)
