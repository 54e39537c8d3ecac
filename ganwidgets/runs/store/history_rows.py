"""Conversion of history rows to bytes, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.runs.record.columns import completed, measured
from ganwidgets.runs.store.entry import Columns

__all__ = ["joined", "packed", "rows_in", "unpacked"]

_NUMBERS = np.dtype("<f8")

Chunk = tuple[int, dict[str, npt.NDArray[np.float64]]]
"""The iteration of the first row, and columns."""


def rows_in(columns: Columns) -> int:
    """Return the number of iterations in `columns`: the losses have a value for each."""
    return max(map(len, columns.values()), default=0)


def packed(columns: Columns) -> tuple[dict[str, int], bytes]:
    """Return each column's length and all their values."""
    values = {name: np.asarray(column, dtype=_NUMBERS) for name, column in columns.items()}
    return (
        {name: len(column) for name, column in values.items()},
        b"".join(column.tobytes() for column in values.values()),
    )


def unpacked(lengths: Mapping[str, int], values: bytes) -> dict[str, npt.NDArray[np.float64]]:
    """Inverse of :func:`packed`.

    Raises
    ------
    ValueError
        If `values` are more or fewer than `lengths` say.
    """
    numbers = np.frombuffer(values, dtype=_NUMBERS)
    if sum(lengths.values()) != len(numbers):
        raise ValueError(f"columns of {sum(lengths.values())} numbers have {len(numbers)}")
    ends = np.cumsum(list(lengths.values()))
    return dict(zip(lengths, np.split(numbers, ends[:-1]), strict=True))


def joined(chunks: Iterable[Chunk]) -> Chunk:
    """Return the rows of one branch from its chunks; a later chunk replaces rows from its beginning on."""
    kept: list[Chunk] = []
    for first, columns in chunks:
        while kept and kept[-1][0] >= first:
            kept.pop()
        if kept and first > kept[-1][0] + rows_in(kept[-1][1]):
            raise ValueError(f"the rows of the history before row {first} are missing")
        if kept:
            kept[-1] = kept[-1][0], _until(first, *kept[-1])
        kept.append((first, columns))
    if len({frozenset(columns) for _, columns in kept}) > 1:  # an older version began the run
        kept = [(first, completed(columns)) for first, columns in kept]
    names = kept[0][1]
    return kept[0][0], {name: np.concatenate([columns[name] for _, columns in kept]) for name in names}


def _until(end: int, first: int, columns: Mapping[str, Any]) -> dict[str, npt.NDArray[np.float64]]:
    """Return the rows before iteration `end`."""
    rows = rows_in(columns)
    if first + rows <= end:
        return dict(columns)
    compact = sum(map(measured, range(first, end)))
    return {
        name: column[: end - first if len(column) == rows else compact] for name, column in columns.items()
    }
