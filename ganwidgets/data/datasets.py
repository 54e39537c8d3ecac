"""Sources that read a `torch.utils.data.Dataset`, or a similar object, item by item."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from ganwidgets.data.arrays import ArraySource, in_memory
from ganwidgets.data.images.scaling import OF_BYTES, Units, in_training_units, refuse_broken, units_of
from ganwidgets.data.images.value_ranges import contradicts
from ganwidgets.data.items import Items, called
from ganwidgets.data.labels import item_label
from ganwidgets.data.modalities import IMAGES
from ganwidgets.data.options import NO_OPTIONS, DataOptions, Kind
from ganwidgets.data.source import FiniteSource
from ganwidgets.draw_detection import RandomDrawDetector
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.modality import MODALITIES

__all__ = ["DatasetSource", "held", "load_dataset"]

PROBED = 64
"""Maximum number of items read to decide the units of all."""

MEASURED = 1024
"""Maximum number of items read to measure centers and scales of points."""

CHECKED = 16
"""Number of items whose label is compared with the Dataset's own list of labels."""

REPEATED = 8
"""Number of items read twice to detect random transforms."""

READINGS = 10
"""Number of repeated reads of an item to decide whether reading advances a random generator."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DatasetSource(FiniteSource):
    """A source that reads the items of a Dataset one by one, in the training thread.

    Attributes
    ----------
    items : Items
    dtype : torch.dtype
        Of every item: bool, uint8, int64, float32 or float64.
    units : Units
        Units of every item, decided from the probed items.
    digest : str
        SHA-256 of the first items, if they are deterministic.
    """

    items: Items
    dtype: torch.dtype
    units: Units
    digest: str

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the Dataset's type and length, its samples' shape, and a few items."""
        name = type(self.items.dataset).__qualname__
        facts = f"{name} {self.size} {self.kind} {self.shape} {self.units} {self.digest}"
        return hashlib.sha256(facts.encode()).hexdigest()

    @property
    def labelled(self) -> bool | None:
        return None

    def all_labels(self) -> Tensor | None:
        """Return the second element of every item, int64 [N]; None if the first item has none.

        If the Dataset has an attribute ``targets`` or ``labels`` that agrees with some of its items (as torchvision's
        do without a ``target_transform``), that is returned. Otherwise every item is read once.

        Raises
        ------
        DataError
            If a label is not an integer; the message names the item.
        """
        return self._all_labels

    def labels_at_hand(self) -> Tensor | None:
        read = "_all_labels" in vars(self)
        return self._all_labels if read or self._listed is not None else None

    @cached_property
    def _listed(self) -> Any:
        """Return the Dataset's own list of labels; None if it has none, or if its items differ from it."""
        for name in ("targets", "labels"):
            known = getattr(self.items.dataset, name, None)
            if isinstance(known, Tensor | np.ndarray | list) and len(known) == self.size:
                return known if self._agrees(known) else None
        return None

    def _agrees(self, listed: Any) -> bool:
        """Return True if the labels of :data:`CHECKED` items equal the listed ones."""
        for place in (
            torch.linspace(0, self.size - 1, min(CHECKED, self.size), dtype=torch.float64).long().tolist()
        ):
            _, label = self.items.parts(place)
            if label is not None and not _same_label(label, listed[place]):
                return False
        return True

    @cached_property
    def _all_labels(self) -> Tensor | None:
        listed = self._listed
        if listed is not None:
            return torch.tensor([item_label(entry, called(place)) for place, entry in enumerate(listed)])
        if self.items.label(0) is None:
            return None
        labels = [self.items.label(place) for place in range(self.size)]
        if None in labels:
            raise DataError(
                Message(
                    "{what} has no label, but item 0 has one; make all items alike",
                    what=called(labels.index(None)),
                )
            )
        return torch.tensor(labels)

    def read(self, indices: Tensor) -> Tensor:
        return in_training_units(self.read_raw(indices), self.units)

    def read_raw(self, indices: Tensor) -> Tensor:
        r"""Return the samples at `indices` (int64 [n]) as stored in the items, `dtype` [n, \*shape].

        Raises
        ------
        DataError
            If an item cannot be read, or contradicts the decided units; the message names it.
        """
        places = indices.tolist()
        if not places:
            return torch.empty(0, *self.shape, dtype=self.dtype)
        items = torch.stack([self.items.like_first(place, self.shape, self.dtype) for place in places])
        if not self._all_fit(items):
            for place, item in zip(places, items, strict=True):
                self._check(place, item)
        return items

    def _all_fit(self, items: Tensor) -> bool:
        """Return True if all numbers of `items` are finite and in range; a cheap test of a whole batch."""
        if self.units.value_range is None:
            return bool(items.float().isfinite().all())
        low, high = (value.item() for value in items.aminmax())
        return self.units.value_range[0] <= low and high <= self.units.value_range[1]

    def _check(self, place: int, item: Tensor) -> None:
        """Raise `DataError` if `item` cannot be trained on in the decided units."""
        refuse_broken(item, called(place))
        taken = self.units.value_range
        if taken is not None and contradicts(item, taken):
            low, high = item.aminmax()
            raise DataError(
                Message(
                    "{what} holds numbers from {low:g} to {high:g}, but the items that were probed are in "
                    "[{black:g}, {white:g}], which was taken as the range of all; rescale the items to one range, or "
                    "pass value_range=(low, high)",
                    what=called(place),
                    low=low.item(),
                    high=high.item(),
                    black=taken[0],
                    white=taken[1],
                )
            )


def held(source: DatasetSource) -> ArraySource:
    """Return `source` with all its samples and labels in memory."""
    samples = source.read_raw(torch.arange(source.size))
    return in_memory(samples, source.kind, source.units, labels=source.all_labels(), options=source.options)


def _units_of_items(items: Tensor, kind: Kind, options: DataOptions, what: str, *, all_seen: bool) -> Units:
    """Return the units of all items, decided from `items`, the probed ones.

    A column that is constant in the probed items gets the scale 1, because other items may differ.
    """
    units = units_of(items, kind, options, what)
    columns = units.standardization
    if columns is None or all_seen or isinstance(options.standardize, tuple):
        return units
    scales = tuple(scale if scale > 0 else 1.0 for scale in columns.scales)
    return replace(units, standardization=replace(columns, scales=scales))


def load_dataset(dataset: Any, options: DataOptions = NO_OPTIONS) -> DatasetSource:
    """Return the source for a Dataset, or for any object with a length and an index.

    An item is a tensor, an array or a Pillow image, a tuple that begins with one, or a dict that has one. Its label is
    read only for networks that take labels. The units are decided once, from :data:`PROBED` items. An item that
    contradicts them raises an error with its index when it is read.

    Parameters
    ----------
    dataset : Dataset or object
        With ``__len__`` and ``__getitem__``.
    options : DataOptions
        The user's options for its items.

    Raises
    ------
    DataError
        If it has no length or no items, or if a probed item cannot be trained on.
    """
    size = _length(dataset)
    places = _probed(size)
    what = Message("the dataset ({n} of its items)", n=len(places))
    items = Items(dataset, options).with_depth(places, what)
    kind, first = items.read(0)
    shape, dtype = tuple(first.shape), first.dtype
    found = {place: items.like_first(place, shape, dtype) for place in places}
    for place, item in found.items():
        refuse_broken(item, called(place))
    units = OF_BYTES
    if items.depth is None:
        points = found
        if "standardize" in MODALITIES[kind].options and options.standardize in (None, True):
            points = found | _more_points(items, size, shape, dtype, found)
        looked_at = torch.stack([points[place] for place in sorted(points)])
        units = _units_of_items(looked_at, kind, options, what, all_seen=size <= len(looked_at))
        taken = units.noted(options, kind)
    else:
        options.allow_for(IMAGES.name)
        taken = replace(options, kind=kind, value_range=items.depth.value_range, standardize=None)
    repeated = range(min(REPEATED, size))
    exact = not _draws_globally(items) and all(
        torch.equal(found[place], items.like_first(place, shape, dtype)) for place in repeated
    )
    sha = hashlib.sha256()
    if exact:
        for place in repeated:
            item = found[place]
            sha.update((item.float() if item.dtype == torch.float64 else item).numpy().tobytes())
    return DatasetSource(
        name=Message(MODALITIES[kind].dataset_name, type=type(dataset).__name__, n=size),
        kind=kind,
        shape=shape,
        size=size,
        options=taken,
        exact=exact,
        items=items,
        dtype=dtype,
        units=units,
        digest=sha.hexdigest(),
    )


def _probed(size: int, most: int = PROBED) -> list[int]:
    """Return the indices of the probed items: half of them the first, half evenly spread."""
    if size <= most:
        return list(range(size))
    half = most // 2
    return [*range(half), *torch.linspace(half, size - 1, half, dtype=torch.float64).long().tolist()]


def _more_points(
    items: Items, size: int, shape: tuple[int, ...], dtype: torch.dtype, found: Mapping[int, Tensor]
) -> dict[int, Tensor]:
    """Return further points, besides `found`, for centers and scales.

    Points that cannot be trained on are skipped here; reading them later raises an error with their index.
    """
    more = {}
    for place in _probed(size, MEASURED):
        if place in found:
            continue
        try:
            item = items.like_first(place, shape, dtype)
            refuse_broken(item, called(place))
        except DataError:
            continue
        more[place] = item
    return more


def _length(dataset: Any) -> int:
    if isinstance(dataset, IterableDataset):
        raise DataError(
            Message(
                "{type} can only be read from its beginning to its end; pass a Dataset whose items have numbers "
                "(with __len__ and __getitem__), or collect its items into one tensor",
                type=type(dataset).__name__,
            )
        )
    try:
        size = len(dataset)
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


def _draws_globally(items: Items) -> bool:
    """Return True if reading an item draws from a global random generator, as random transforms do.

    PyTorch reports draws by thread. Of the other generators only the state is visible, which another thread may
    advance. So a generator counts only if it advances at every read.
    """
    with RandomDrawDetector() as draws:
        items.read(0)
    if draws.unrouted:
        return True
    moving = {0, 1}
    for _ in range(READINGS):
        before = _global_states()
        items.read(0)
        after = _global_states()
        moving = {number for number in moving if before[number] != after[number]}
        if not moving:
            return False
    return True


def _global_states() -> tuple[object, object]:
    """Return the states of NumPy's and Python's global generators."""
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 - looked at, not drawn from
    words = legacy["state"]
    return (words["key"].tobytes(), words["pos"], legacy["has_gauss"]), random.getstate()


def _same_label(one: Any, other: Any) -> bool:
    """Return True if two labels are the same integer."""
    try:
        return item_label(one, "") == item_label(other, "")
    except DataError:
        return False
