"""Samples and labels selected by column name from a table or from dict items."""

from __future__ import annotations

import numbers as numeric
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ganwidgets.data.options import DataOptions
from ganwidgets.errors import DataError
from ganwidgets.messages import Message

__all__ = ["LABELS", "item_parts", "table_parts"]

LABELS = ("label", "labels", "target", "targets", "class", "class_id", "y", "fine_label")
"""Default names of label columns, in order of preference."""


def table_parts(table: Any, names: Iterable[str], options: DataOptions) -> tuple[Any, Any]:
    """Return the samples and the labels (or None) of a table whose columns have `names`.

    Parameters
    ----------
    table
        Returns a column by ``table[name]``: a DataFrame, a structured array, or a dict of arrays.
    names : iterable of str
    options : DataOptions
        `columns` and `labels` select; if `columns` is None, all other columns form the sample.

    Raises
    ------
    DataError
        If a name does not exist.
    """
    known = {str(name): name for name in names}
    labels = options.labels
    chosen = options.columns or tuple(name for name in known if name != labels)
    chosen = (chosen,) if isinstance(chosen, str) else chosen
    _refuse_unknown([*chosen, *([labels] if labels else [])], list(known), Message("the table"))
    found = [table[known[name]] for name in chosen]
    y = None if labels is None else table[known[labels]]
    if len(found) == 1 and np.ndim(found[0]) > 1:
        return found[0], y
    return np.stack([_numbers(*each) for each in zip(chosen, found, strict=True)], axis=1), y


def _numbers(name: str, column: Any) -> np.ndarray:
    """Return the numbers of a column [N].

    Raises
    ------
    DataError
        If values are missing, or are not numbers.
    """
    missing = column.isna() if hasattr(column, "isna") else np.zeros(len(column), bool)
    values = np.asarray(column.dropna() if hasattr(column, "dropna") else column)
    if values.dtype.kind == "f" and len(values) == len(missing):
        missing = ~np.isfinite(values)
    if np.any(missing):
        raise DataError(
            Message(
                "the column {name!r} has {count} values that are missing or infinite, the first in row {row}; fill "
                "them, such as with table[{name!r}].fillna(0), or leave those rows out: table.dropna()",
                name=name,
                count=int(np.sum(missing)),
                row=int(np.argmax(missing)),
            )
        )
    if values.dtype == object:
        values = np.array(values.tolist())
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind not in "iuf":
        raise DataError(
            Message(
                "the column {name!r} holds no numbers, but values such as {value!r}; make one column of 0 and 1 of each "
                "value, such as with pandas.get_dummies, pass it as labels={name!r} after numbering its values, or choose "
                "other columns: columns=[...]",
                name=name,
                value=str(values[0]) if len(values) else "",
            )
        )
    return values


def item_parts(item: Mapping[str, Any], options: DataOptions, what: str) -> tuple[Any, Any]:
    """Return the sample and the label (or None) of a dict item of a Dataset.

    If `columns` is None, the sample is the only value that is an array, a tensor or an image. If all values are
    numbers, they form a point. Of an array and a number, the number is the label.

    Raises
    ------
    DataError
        If a key does not exist, or if several values may be the sample.
    """
    known = [str(key) for key in item]
    wanted = options.columns if options.columns is not None else tuple(known)
    wanted = (wanted,) if isinstance(wanted, str) else wanted
    _refuse_unknown([*wanted, *([options.labels] if options.labels else [])], known, what)
    label = options.labels
    arrays = [key for key in wanted if key != label and _is_sample(item[key])]
    if label is None and (arrays or options.columns is None):
        among = known if options.columns is None else wanted
        label = next((key for key in LABELS if key in among and key not in arrays), None)
        if label is None and arrays and options.columns is not None and len(wanted) == 2 and len(arrays) == 1:
            label = next(key for key in wanted if key not in arrays)
    y = None if label is None else item[label]
    if len(arrays) == 1:
        return item[arrays[0]], y
    plain = [key for key in wanted if key != label]
    if not arrays and plain and all(isinstance(item[key], numeric.Real) for key in plain):
        return np.array([float(item[key]) for key in plain], np.float32), y
    raise DataError(
        Message(
            "{what} has the keys {keys}; say which is the sample, and which the label: columns={example!r}, "
            "labels=...",
            what=what,
            keys=", ".join(known),
            example=(arrays or known or ["image"])[0],
        )
    )


def _is_sample(value: Any) -> bool:
    """Return whether `value` is an image, or an array or a list of numbers."""
    if isinstance(value, Tensor | np.ndarray):
        return value.ndim > 0
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], list | numeric.Real)
    from PIL.Image import Image

    return isinstance(value, Image)


def _refuse_unknown(chosen: Iterable[str], known: list[str], what: str) -> None:
    for name in chosen:
        if name not in known:
            raise DataError(
                Message(
                    "{what} has no column {name!r}; its columns are {known}",
                    what=what,
                    name=name,
                    known=", ".join(known),
                )
            )
