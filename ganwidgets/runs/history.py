"""The numbers of a run, one row an iteration, within a memory budget.

The two losses are kept for every iteration; the costlier columns at the iterations that
:func:`measured` names, and read as NaN between. What exceeds the budget moves to a temporary
file that vanishes with the process, so a run of any length keeps its memory; reading a column
gives every row nevertheless.
"""

from __future__ import annotations

import math
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas

__all__ = ["COLUMNS", "MEMORY_BUDGET", "Envelope", "History", "measured"]

DENSE = ("loss_d", "loss_g")
SPARSE = ("grad_norm_d", "grad_norm_g", "accuracy_real", "accuracy_fake")
COLUMNS = ("iteration", *DENSE, *SPARSE)

MEMORY_BUDGET = 16 * 2**20
"""Bytes of history kept in memory; the rest is on disk."""

_CHUNK = 65_536

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Envelope = tuple[Whole, Floats, Floats, Floats]
"""A column drawn small: for each bucket its middle iteration, and its low, mean and high."""


def measured(iteration: int) -> bool:
    """Return whether the costlier columns are measured at `iteration`: the first, and each tenth."""
    return iteration % 10 == 0 or iteration == 1


class _Column:
    """An append-only sequence of floats: recent ones in memory, the oldest in a file."""

    def __init__(self, budget: int) -> None:
        self._recent = array("d")
        self._chunks: list[Floats | tuple[int, int]] = []
        self._file: IO[bytes] | None = None
        self._in_memory = max(1, budget // (8 * _CHUNK))
        self._stored = 0

    def append(self, value: float) -> None:
        self._recent.append(value)
        if len(self._recent) >= _CHUNK:
            self._chunks.append(np.array(self._recent))
            self._recent = array("d")
            if len(self._chunks) - self._stored > self._in_memory:
                self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="ganwidgets-history-")
        chunk = self._chunks[self._stored]
        assert not isinstance(chunk, tuple)
        start = self._file.seek(0, 2)
        self._file.write(chunk.tobytes())
        self._file.flush()
        self._chunks[self._stored] = (start, len(chunk))
        self._stored += 1

    def __len__(self) -> int:
        return len(self._chunks) * _CHUNK + len(self._recent)

    def read(self, start: int = 0) -> Floats:
        """Return every value from number `start` on."""
        chunks, recent = list(self._chunks), np.array(self._recent[:])
        first = start // _CHUNK
        parts = [self._load(chunk) for chunk in chunks[first:]]
        return np.concatenate([*parts, recent])[start - first * _CHUNK :]

    def _load(self, chunk: Floats | tuple[int, int]) -> Floats:
        if not isinstance(chunk, tuple):
            return chunk
        assert self._file is not None
        start, length = chunk
        # A map of its own, since the file's position belongs to the thread that appends.
        return np.array(np.memmap(self._file, np.float64, "r", start, (length,)))

    def replace(self, values: Floats) -> None:
        """Make `values` the whole content."""
        self._chunks, self._stored, self._file = [], 0, None
        whole = len(values) // _CHUNK * _CHUNK
        for begin in range(0, whole, _CHUNK):
            self._chunks.append(np.array(values[begin : begin + _CHUNK]))
            if len(self._chunks) - self._stored > self._in_memory:
                self._spill()
        self._recent = array("d", values[whole:])


class _Pyramid:
    """A column's :data:`Envelope`, grown as rows arrive; pairs of buckets merge when it is full."""

    def __init__(self, points: int) -> None:
        self._points = points
        self.width = 1
        self.seen = 0
        self._buckets = np.empty((0, 5))

    def feed(self, iterations: Floats, values: Floats) -> None:
        for begin in range(0, len(values), 8192):
            self._feed(iterations[begin : begin + 8192], values[begin : begin + 8192])
        self.seen += len(values)

    def _feed(self, iterations: Floats, values: Floats) -> None:
        new = np.column_stack([iterations, values, values, values, np.ones_like(values)])
        tail = self._buckets[-1:]
        if len(tail) and tail[0, 4] < self.width:
            self._buckets = self._buckets[:-1]
            new = np.concatenate([tail, new])
        self._buckets = np.concatenate([self._buckets, self._merged(new)])
        while len(self._buckets) > 2 * self._points:
            self.width *= 2
            self._buckets = self._merged(self._buckets)

    def _merged(self, rows: Floats) -> Floats:
        """Return `rows` merged into buckets of `width` original rows each."""
        ends = np.cumsum(rows[:, 4])
        index = ((ends - 1e-9) // self.width).astype(np.int64)
        starts = np.flatnonzero(np.diff(index, prepend=-1))
        weight = np.add.reduceat(rows[:, 4], starts)
        weighted = np.add.reduceat(rows[:, [0, 2]] * rows[:, 4:5], starts) / weight[:, None]
        low = np.minimum.reduceat(rows[:, 1], starts)
        high = np.maximum.reduceat(rows[:, 3], starts)
        return np.column_stack([weighted[:, 0], low, weighted[:, 1], high, weight])

    def envelope(self) -> Envelope:
        rows = self._buckets
        if len(rows) > self._points:
            pairs = np.arange(0, len(rows), 2)
            weight = np.add.reduceat(rows[:, 4], pairs)
            means = np.add.reduceat(rows[:, [0, 2]] * rows[:, 4:5], pairs) / weight[:, None]
            low = np.minimum.reduceat(rows[:, 1], pairs)
            high = np.maximum.reduceat(rows[:, 3], pairs)
            return means[:, 0].astype(np.int64), low, means[:, 1], high
        return rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2], rows[:, 3]


class History(Mapping[str, npt.NDArray[Any]]):
    """Columns by name, ``history["loss_d"]``, as NumPy arrays with one row an iteration.

    Columns are ``iteration`` (int64) and, as float64, ``loss_d loss_g`` in every row and
    ``grad_norm_d grad_norm_g accuracy_real accuracy_fake`` at the first iteration and at every
    tenth, NaN between. Arrays are copies: what is done to them does nothing to the run. Reading is
    safe from any thread while the run goes on.
    """

    def __init__(self, *, memory_budget: int = MEMORY_BUDGET) -> None:
        share = memory_budget // 3
        self._dense = {name: _Column(share) for name in DENSE}
        self._sparse = {name: _Column(share // len(SPARSE)) for name in SPARSE}
        self._rows = 0
        self._pyramids: dict[tuple[str, int], _Pyramid] = {}

    def append(self, record: Mapping[str, float]) -> None:
        """Add the next iteration's row; costlier columns are kept where :func:`measured` says."""
        for name in DENSE:
            self._dense[name].append(record[name])
        rows = self._rows + 1
        if measured(rows):
            for name in SPARSE:
                self._sparse[name].append(record[name])
        self._rows = rows

    def __len__(self) -> int:
        return len(COLUMNS)

    def __iter__(self) -> Iterator[str]:
        return iter(COLUMNS)

    @property
    def rows(self) -> int:
        """The number of iterations recorded."""
        return self._rows

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        rows = self._rows
        if name == "iteration":
            return np.arange(1, rows + 1, dtype=np.int64)
        if name in self._dense:
            return self._dense[name].read()[:rows]
        if name in self._sparse:
            column = np.full(rows, np.nan)
            where = _measured_until(rows) - 1
            column[where] = self._sparse[name].read()[: len(where)]
            return column
        raise KeyError(name)

    def to_frame(self) -> pandas.DataFrame:
        """Return everything as a pandas DataFrame, indexed by iteration."""
        import pandas as pd

        columns = {name: self[name] for name in COLUMNS}
        rows = min(map(len, columns.values()))
        return pd.DataFrame({n: c[:rows] for n, c in columns.items()}).set_index("iteration")

    def envelope(self, name: str, points: int) -> Envelope:
        """Return a column drawn small, at most `points` buckets; its cost is that of the new rows.

        Call it from the thread that trains.
        """
        pyramid = self._pyramids.setdefault((name, points), _Pyramid(points))
        if name in self._dense:
            values = self._dense[name].read(pyramid.seen)
            iterations = np.arange(pyramid.seen + 1, pyramid.seen + len(values) + 1)
        else:
            values = self._sparse[name].read(pyramid.seen)
            iterations = _measured_until(self._rows)[pyramid.seen :]
        pyramid.feed(iterations.astype(np.float64), values)
        return pyramid.envelope()

    def resize(self, rows: int) -> None:
        """Forget every row after `rows`, or fill up with NaN where there are fewer."""
        if rows == self._rows:
            return
        for columns, length in (
            (self._dense, rows),
            (self._sparse, len(_measured_until(rows))),
        ):
            for column in columns.values():
                values = column.read()[:length]
                fill = np.full(length - len(values), math.nan)
                column.replace(np.concatenate([values, fill]))
        self._rows = rows
        self._pyramids.clear()

    def stored(self) -> dict[str, Floats]:
        """Return what a saved run keeps: columns as they are held, the costlier ones compact."""
        return {name: column.read() for name, column in {**self._dense, **self._sparse}.items()}

    @classmethod
    def restored(cls, columns: Mapping[str, Floats]) -> History:
        """Return the history that :meth:`stored` described."""
        self = cls()
        for name, column in {**self._dense, **self._sparse}.items():
            column.replace(np.asarray(columns[name], dtype=np.float64))
        self._rows = len(self._dense["loss_d"])
        return self


def _measured_until(rows: int) -> Whole:
    tenths = np.arange(10, rows + 1, 10, dtype=np.int64)
    return np.concatenate([np.ones(min(rows, 1), dtype=np.int64), tenths])
