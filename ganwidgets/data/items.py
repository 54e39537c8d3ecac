"""Items of a Dataset, or of any object that returns items by index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganwidgets.data.columns import item_parts
from ganwidgets.data.images.files import (
    SIXTEEN_BITS,
    Depth,
    flattened,
    grey_numbers,
    is_deep,
    is_grey,
    pixels,
)
from ganwidgets.data.images.scaling import numbers
from ganwidgets.data.images.value_ranges import decided_depth
from ganwidgets.data.labels import item_label
from ganwidgets.data.options import DataOptions, Kind
from ganwidgets.data.shapes import sample_shape
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.modality import MODALITIES

__all__ = ["Items", "called"]


@dataclass(frozen=True)
class Items:
    """Reads dataset items as samples.

    Attributes
    ----------
    dataset
        Returns ``dataset[place]``.
    options : DataOptions
        The user's options for the items.
    depth : Depth or None
        Black and white of Pillow images of more than 8 bits; None for other items.
    """

    dataset: Any
    options: DataOptions
    depth: Depth | None = None

    def parts(self, place: int) -> tuple[Any, Any]:
        """Return the sample as the dataset returns it, and its label (None if it has none).

        Raises
        ------
        DataError
            If the item cannot be read, or if its keys do not determine the sample.
        """
        what = called(place)
        try:
            found = self.dataset[place]
        except Exception as error:
            raise DataError(
                Message(
                    "{what} cannot be read: {error}; repair the dataset or leave that item out",
                    what=what,
                    error=f"{type(error).__name__}: {error}",
                )
            ) from error
        if isinstance(found, Mapping):
            return item_parts(found, self.options, what)
        self.options.allow(("kind", "value_range", "standardize"), Message("items that are not mappings"))
        if isinstance(found, tuple | list) and found and not _is_row(found):
            return found[0], found[1] if len(found) > 1 else None
        return found, None

    def label(self, place: int) -> int | None:
        """Return the label of an item, or None.

        Raises
        ------
        DataError
            If a label is not an integer.
        """
        _, label = self.parts(place)
        return None if label is None else item_label(label, called(place))

    def read(self, place: int) -> tuple[Kind, Tensor]:
        """Return an item's sample: points float32 or float64 [F]; images [C, H, W], bool, uint8, int64 or float32."""
        what = called(place)
        found, _ = self.parts(place)
        item, is_picture = self._tensor(found, what)
        kind, shape = sample_shape(
            item.shape,
            what,
            kind=self.options.kind,
            pixels=is_picture or item.dtype in (torch.uint8, torch.bool),
        )
        precise = "standardize" in MODALITIES[kind].options
        if item.dtype == torch.float64:
            item = item if precise else item.float()
        elif precise and item.dtype != torch.bool:
            item = item.float() if item.dtype != torch.int64 else item.double()
        return kind, item.reshape(shape)

    def like_first(self, place: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Return `item` if it has the shape and dtype of the first one; raise otherwise."""
        _, item = self.read(place)
        if tuple(item.shape) != shape or item.dtype != dtype:
            raise DataError(
                Message(
                    "{what} has shape {found} and type {found_type}, but item 0 has shape {shape} and type {type}; "
                    "make all items alike",
                    what=called(place),
                    found=tuple(item.shape),
                    found_type=str(item.dtype),
                    shape=shape,
                    type=str(dtype),
                )
            )
        return item

    def with_depth(self, places: list[int], what: str) -> Items:
        """Return these items with the depth of Pillow images of more than 8 bits, decided from those at `places`."""
        first = self.parts(0)[0]
        if not _is_picture(first) or not is_deep(first):
            return self
        if self.options.value_range is not None:
            return replace(self, depth=Depth(self.options.value_range, asked_for=True))
        pictures = [self.parts(place)[0] for place in places]
        found = torch.cat([grey_numbers(each) for each in pictures if _is_picture(each) and is_deep(each)])
        return replace(self, depth=Depth(decided_depth(found, what), asked_for=False))

    def _tensor(self, found: Any, what: str) -> tuple[Tensor, bool]:
        """Return `found` as a tensor, and True if it was a Pillow image."""
        if _is_picture(found):
            return pixels(flattened(found, grey=is_grey(found), depth=self.depth or SIXTEEN_BITS)), True
        if isinstance(found, Tensor | np.ndarray) or hasattr(found, "__array__"):
            return numbers(found, what), False
        if isinstance(found, tuple | list) and _is_row(found):
            return numbers(found, what), False
        raise DataError(
            Message(
                "{what} is a {type}; it must be a tensor, an array or a Pillow image, a tuple that begins with one, "
                "or a mapping that has one",
                what=what,
                type=type(found).__name__,
            )
        )


def called(place: int) -> Message:
    """Return the name of the item at `place` in error messages."""
    return Message("item {number} of the dataset", number=place)


def _is_row(found: tuple[Any, ...] | list[Any]) -> bool:
    """Return True if `found` is numbers, or lists of numbers of one length, and not a sample with its label."""
    first = found[0] if len(found) else None
    if isinstance(first, int | float | np.number) and not isinstance(first, bool):
        return all(isinstance(each, int | float | np.number) for each in found)
    return isinstance(found, list) and all(isinstance(each, list) and _is_row(each) for each in found)


def _is_picture(found: Any) -> bool:
    from PIL.Image import Image

    return isinstance(found, Image)
