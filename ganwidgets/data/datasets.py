"""Samples from a `torch.utils.data.Dataset`, read when they are needed."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from ..draws import Draws
from ..errors import DataError
from ..messages import Message, N_
from .pictures import flattened, is_grey, pixels
from .source import FiniteSource, Kind
from .units import Units, image_units, in_training_units, numbers, out_of_range, refuse_broken, sample_shape

__all__ = ["DatasetSource", "load_dataset"]

PROBED = 64
"""Items that are read to find out what the numbers of all of them mean."""

REPEATED = 8
"""Items that are read a second time to find out whether they stay the same."""

READINGS = 10
"""Times that an item is read to find out whether its reading is what moves a generator."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DatasetSource(FiniteSource):
    """A source that reads the items of a Dataset one by one, in the thread that trains.

    Attributes
    ----------
    dataset : Dataset
    dtype : torch.dtype
        Of every item: uint8 or float32.
    units : Units
        What the numbers of every item mean, as was decided when the first were read.
    digest : str
        SHA-256 of the first items, where they stay the same.
    """

    dataset: Dataset[Any]
    dtype: torch.dtype
    units: Units
    digest: str

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the Dataset's type and length, its samples' shape, and a few items."""
        name = type(self.dataset).__qualname__
        facts = f"{name} {self.size} {self.kind} {self.shape} {self.units} {self.digest}"
        return hashlib.sha256(facts.encode()).hexdigest()

    @property
    def labelled(self) -> bool | None:
        return None

    def all_labels(self) -> Tensor | None:
        """Return the second part of every item, int64 [N]; None where the first item has none.

        A Dataset with an attribute ``targets`` or ``labels`` of the right length, as torchvision's have, is
        asked for that; otherwise every item is read once.

        Raises
        ------
        DataError
            For a label that is no whole number: of which item.
        """
        return self._all_labels

    def labels_at_hand(self) -> Tensor | None:
        read = "_all_labels" in vars(self)
        return self._all_labels if read or self._listed() is not None else None

    def _listed(self) -> Any:
        """Return the labels that the Dataset lists by itself; None where it does not."""
        for name in ("targets", "labels"):
            known = getattr(self.dataset, name, None)
            if isinstance(known, Tensor | np.ndarray | list) and len(known) == self.size:
                return known
        return None

    @cached_property
    def _all_labels(self) -> Tensor | None:
        listed = self._listed()
        if listed is not None:
            return torch.tensor([_label(entry, place) for place, entry in enumerate(listed)])
        if not isinstance(first := self.dataset[0], tuple | list) or len(first) < 2:
            return None
        return torch.tensor([_label(self.dataset[place][1], place) for place in range(self.size)])

    def read(self, indices: Tensor) -> Tensor:
        places = indices.tolist()
        if not places:
            return torch.empty(0, *self.shape)
        items = torch.stack([_item(self.dataset, place, self.shape, self.dtype) for place in places])
        if self._contradicted(items):
            for place, item in zip(places, items, strict=True):
                self._refuse(place, item)
        return in_training_units(items, self.units)

    def _contradicted(self, items: Tensor) -> bool:
        if self.kind == "points":
            return not bool(items.isfinite().all())
        return out_of_range(items, self.units)

    def _refuse(self, place: int, item: Tensor) -> None:
        """Raise `DataError` if it is this item that no batch can be trained on with."""
        refuse_broken(item, _called(place))
        if self._contradicted(item):
            low, high = item.aminmax()
            raise DataError(
                Message(
                    "{what} holds numbers from {low:g} to {high:g}, but the first items lie in {range}, which "
                    "was taken as the range of all; rescale the items to one range, [0, 1] or [-1, 1]",
                    what=_called(place),
                    low=low.item(),
                    high=high.item(),
                    range="[-1, 1]" if self.units == "from -1" else "[0, 1]",
                )
            )


def load_dataset(dataset: Dataset[Any]) -> DatasetSource:
    """Return the source for a Dataset whose items are read by index.

    An item is a tensor, an array or a Pillow image, or a tuple that begins with one (its label is
    read only for networks that take it). What its numbers mean is decided once, by the first items; an item that contradicts
    that later is refused, by its number, when it is reached.

    Raises
    ------
    DataError
        If it has no length or no items, or if one of the first items cannot be trained on.
    """
    size = _length(dataset)
    kind, first = _read(dataset, 0)
    shape, dtype = tuple(first.shape), first.dtype
    items = [_item(dataset, place, shape, dtype) for place in range(min(PROBED, size))]
    for place, item in enumerate(items):
        refuse_broken(item, _called(place))
    units: Units = "as is"
    if kind == "images":
        units = image_units(torch.stack(items), Message("the dataset (its first {n} items)", n=len(items)))
    repeated = range(min(REPEATED, size))
    exact = not _draws_globally(dataset) and all(
        torch.equal(items[place], _item(dataset, place, shape, dtype)) for place in repeated
    )
    sha = hashlib.sha256()
    if exact:
        for place in repeated:
            sha.update(items[place].numpy().tobytes())
    return DatasetSource(
        name=Message(_NAMES[kind], type=type(dataset).__name__, n=size),
        kind=kind,
        shape=shape,
        size=size,
        exact=exact,
        dataset=dataset,
        dtype=dtype,
        units=units,
        digest=sha.hexdigest(),
    )


_NAMES: dict[Kind, str] = {"points": N_("{type} of {n} points"), "images": N_("{type} of {n} images")}


def _length(dataset: Dataset[Any]) -> int:
    if isinstance(dataset, IterableDataset):
        raise DataError(
            Message(
                "{type} can only be read from its beginning to its end; pass a Dataset whose items have numbers "
                "(with __len__ and __getitem__), or collect its items into one tensor",
                type=type(dataset).__name__,
            )
        )
    try:
        size = len(dataset)  # type: ignore[arg-type]  # it need not have one; that is the question
    except Exception as error:
        raise DataError(
            Message(
                "{type} does not say how many items it has ({error}); give it a __len__, or collect its items "
                "into one tensor",
                type=type(dataset).__name__,
                error=str(error),
            )
        ) from error
    if size < 1:
        raise DataError(
            Message("{type} has no items; pass a Dataset that has some", type=type(dataset).__name__)
        )
    return size


def _called(place: int) -> Message:
    return Message("item {number} of the dataset", number=place)


def _item(dataset: Dataset[Any], place: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return an item that is like the first: of this shape and dtype."""
    _, item = _read(dataset, place)
    if tuple(item.shape) != shape or item.dtype != dtype:
        raise DataError(
            Message(
                "{what} has shape {found} and type {found_type}, but item 0 has shape {shape} and type {type}; "
                "make all items alike",
                what=_called(place),
                found=tuple(item.shape),
                found_type=str(item.dtype),
                shape=shape,
                type=str(dtype),
            )
        )
    return item


def _read(dataset: Dataset[Any], place: int) -> tuple[Kind, Tensor]:
    """Return an item: points float32 [F]; images [C, H, W], uint8, int64 or float32."""
    what = _called(place)
    try:
        found = dataset[place]
    except Exception as error:
        raise DataError(
            Message(
                "{what} cannot be read: {error}; repair the dataset or leave that item out",
                what=what,
                error=f"{type(error).__name__}: {error}",
            )
        ) from error
    if isinstance(found, tuple | list) and found:
        found = found[0]
    item = _tensor(found, what)
    kind, shape = sample_shape(item.shape, what)
    return kind, item.float() if kind == "points" else item.reshape(shape)


def _label(found: Any, place: int) -> int:
    if isinstance(found, Tensor | np.ndarray) and np.prod(found.shape) == 1:
        found = found.item()
    if isinstance(found, bool) or not isinstance(found, int | np.integer):
        raise DataError(
            Message(
                "the label of {what} is {label!r}; labels must be whole numbers, such as class numbers",
                what=_called(place),
                label=found,
            )
        )
    return int(found)


def _tensor(found: Any, what: str) -> Tensor:
    if isinstance(found, Tensor | np.ndarray):
        return numbers(found, what)
    from PIL.Image import Image

    if isinstance(found, Image):
        return pixels(flattened(found, grey=is_grey(found)))
    raise DataError(
        Message(
            "{what} is a {type}; it must be a tensor, an array or a Pillow image, or a tuple that begins with one",
            what=what,
            type=type(found).__name__,
        )
    )


def _draws_globally(dataset: Dataset[Any]) -> bool:
    """Return whether reading an item draws from a global generator, as random transforms do.

    PyTorch says what the current thread draws. Of the other generators only the state is seen, which
    another thread may move in the meantime: so only one that moves at every reading counts.
    """
    with Draws() as draws:
        _read(dataset, 0)
    if draws.unrouted:
        return True
    moving = {0, 1}
    for _ in range(READINGS):
        before = _global_states()
        _read(dataset, 0)
        after = _global_states()
        moving = {number for number in moving if before[number] != after[number]}
        if not moving:
            return False
    return True


def _global_states() -> tuple[object, object]:
    """Return the states of NumPy's and of Python's global generators."""
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 - looked at, not drawn from
    words = legacy["state"]
    return (words["key"].tobytes(), words["pos"], legacy["has_gauss"]), random.getstate()
