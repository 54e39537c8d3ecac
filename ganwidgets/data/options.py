"""Options that decide how data is read, and the decisions made without them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.modality import MODALITIES

__all__ = ["DATA_OPTIONS", "NO_OPTIONS", "DataOptions", "Kind"]

Kind = str
"""Name of a kind of data, one of :data:`ganwidgets.modality.MODALITIES`."""


@dataclass(frozen=True)
class DataOptions:
    """How data is read. `None` leaves the decision to the loader.

    Attributes
    ----------
    kind : str, optional
        Kind of a sample. Points of more than one dimension are flattened.
    value_range : (float, float), optional
        The numbers of images that mean black and white. They become -1 and 1; numbers beyond are clipped.
    columns : str or tuple of str, optional
        Column names of a table, or keys of dict items, that form a sample.
    labels : str, optional
        Column name, or key of dict items, of the labels.
    standardize : bool or (tuple of float, tuple of float), optional
        Train the columns of points as z-scores; or the centers and scales to use.

    Raises
    ------
    DataError
        If a value is not allowed.
    """

    kind: Kind | None = None
    value_range: tuple[float, float] | None = None
    columns: str | Sequence[str] | None = None
    labels: str | None = None
    standardize: bool | tuple[tuple[float, ...], tuple[float, ...]] | None = None

    def __post_init__(self) -> None:
        if self.kind is not None and str(self.kind) not in MODALITIES:
            raise _not_allowed("kind", self.kind, ", ".join(f'"{name}"' for name in MODALITIES))
        if self.value_range is not None:
            object.__setattr__(self, "value_range", _range(self.value_range))
        if self.columns is not None:
            object.__setattr__(self, "columns", _names(self.columns))
        if self.labels is not None and not isinstance(self.labels, str):
            raise _not_allowed(
                "labels",
                type(self.labels).__name__,
                Message("the name of a column; pass an array of labels y as the pair (X, y)"),
            )
        if self.standardize is not None:
            object.__setattr__(self, "standardize", _standardize(self.standardize))

    @classmethod
    def split(cls, keywords: Mapping[str, Any]) -> tuple[DataOptions, dict[str, Any]]:
        """Return the options among `keywords`, and the other keywords."""
        rest = {name: value for name, value in keywords.items() if name not in DATA_OPTIONS}
        return cls(**{name: value for name, value in keywords.items() if name not in rest}), rest

    @classmethod
    def restored(cls, plain: Mapping[str, Any]) -> DataOptions:
        """Inverse of :meth:`plain`; unknown options are ignored.

        Stored data without a standardization entry is not standardized, because older versions never did so.
        """
        known = {name: value for name, value in plain.items() if name in DATA_OPTIONS}
        return cls(**{"standardize": False, **known})

    def given(self) -> dict[str, Any]:
        """Return the options that are not None, by name."""
        return {name: value for name in DATA_OPTIONS if (value := getattr(self, name)) is not None}

    def plain(self) -> dict[str, Any]:
        """Return :meth:`given` as JSON has it: tuples as lists."""
        return {name: _listed(value) for name, value in self.given().items()}

    def allow_for(self, kind: Kind) -> None:
        """Raise `DataError` for ``value_range`` or ``standardize`` if it does not apply to data of `kind`."""
        modality = MODALITIES[kind]
        others = frozenset({"value_range", "standardize"}) - modality.options
        self.allow(set(DATA_OPTIONS) - others, Message(modality.label))

    def allow(self, names: Iterable[str], what: str) -> None:
        """Raise `DataError` for an option that is set but not among `names`, the options of `what`.

        ``standardize=False`` applies to anything.
        """
        for name, value in self.given().items():
            if name not in names and value is not False:
                raise DataError(
                    Message("{option}= does not apply to {what}; leave it out", option=name, what=what)
                )


NO_OPTIONS = DataOptions()
"""Leaves every decision to the loader."""

DATA_OPTIONS = tuple(field.name for field in fields(DataOptions))
"""Data keywords of a trainer and a widget."""


def _listed(value: Any) -> Any:
    return [_listed(each) for each in value] if isinstance(value, tuple) else value


def _not_allowed(option: str, value: Any, allowed: str) -> DataError:
    return DataError(
        Message("{option} cannot be {value!r}; it is {allowed}", option=option, value=value, allowed=allowed)
    )


def _range(value: Any) -> tuple[float, float]:
    allowed = Message("a pair (low, high) of finite numbers, low < high, such as (0, 255)")
    try:
        low, high = (float(end) for end in value)
    except (TypeError, ValueError):
        raise _not_allowed("value_range", value, allowed) from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise _not_allowed("value_range", value, allowed)
    return low, high


def _standardize(value: Any) -> bool | tuple[tuple[float, ...], tuple[float, ...]]:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    allowed = Message(
        "True, False, or a pair (centers, scales) with a finite number for each column, scales not negative"
    )
    try:
        centers, scales = (tuple(float(number) for number in column) for column in value)
    except (TypeError, ValueError, OverflowError):
        raise _not_allowed("standardize", value, allowed) from None
    fine = all(map(math.isfinite, (*centers, *scales))) and all(scale >= 0 for scale in scales)
    if not fine or not centers or len(centers) != len(scales):
        raise _not_allowed("standardize", value, allowed)
    return centers, scales


def _names(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return value
    try:
        names = tuple(value)
    except TypeError:
        names = ()
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise _not_allowed("columns", value, Message("a name, or a list of distinct names"))
    return names
