"""History of a run, one row an iteration, within a memory budget.

The two losses are kept for every iteration; the costlier columns at the iterations that
:func:`measured` names, and read as NaN between. What exceeds the budget moves to a temporary
file that vanishes with the process, so a run of any length keeps its memory; reading a column
gives every row nevertheless.
"""

from __future__ import annotations

import copy
import math
import tempfile
import warnings
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ganwidgets.games.gan import GAN
from ganwidgets.messages import Message

if TYPE_CHECKING:
    import pandas as pd

    from ganwidgets.games import Game

__all__ = [
    "CLASSIC",
    "MEMORY_BUDGET",
    "Columns",
    "Envelope",
    "History",
    "columns_of",
    "completed",
    "measured",
]


@dataclass(frozen=True)
class Columns:
    """The columns of a game, without ``iteration``.

    Attributes
    ----------
    dense : tuple of str
        With a value in every row.
    sparse : tuple of str
        With a value in rows that are :func:`measured`.
    optional : tuple of str
        Kept in the same rows as the sparse ones, and listed once a value was recorded. The record of a step lacks
        them, and so do runs of older versions.
    """

    dense: tuple[str, ...]
    sparse: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def listed(self) -> tuple[str, ...]:
        """The columns of every record."""
        return (*self.dense, *self.sparse)


CLASSIC = Columns(
    ("loss_d", "loss_g"),
    ("grad_norm_d", "grad_norm_g", "accuracy_real", "accuracy_fake"),
    GAN.measures[2:],
)
"""Columns of a generator against a discriminator."""


def columns_of(game: Game | None) -> Columns:
    """Return the columns of `game`; None is the classic game."""
    if game is None or game.name == "gan":
        return CLASSIC
    losses = (f"loss_{player.letter}" for player in game.players)
    norms = (f"grad_norm_{player.letter}" for player in game.players)
    return Columns((*losses, *game.terms), (*norms, *game.measures))


PROGRESS = ("samples_seen", "seconds")
"""Axes for curves besides iterations: real samples drawn so far, and seconds of updates so far.
They are kept in the rows of the sparse columns and are not listed: runs that are equal differ in their seconds."""

MEMORY_BUDGET = 16 * 2**20
"""Maximum bytes of history in memory; the rest is on disk."""

Floats = npt.NDArray[np.float64]
Iterations = npt.NDArray[np.int64]
Envelope = tuple[Iterations, Floats, Floats, Floats]
"""A thinned column: for each bucket its middle iteration, and its low, mean and high."""


def measured(iteration: int) -> bool:
    """Return True if the costlier columns are measured at `iteration`: the first, and each tenth."""
    return iteration % 10 == 0 or iteration == 1


class _Column:
    """A growing sequence of floats: the newest in memory, the oldest in a file.

    Parameters
    ----------
    budget : int
        Bytes that may be held in memory.
    """

    def __init__(self, budget: int) -> None:
        self._size = max(64, min(65_536, budget // 32))
        self._held = max(1, budget // (8 * self._size) - 1)
        self._recent = array("d")
        # Each full chunk, or where in the file it begins; those in the file come first.
        self._chunks: list[Floats | int] = []
        self._in_file = 0
        self._file: IO[bytes] | None = None

    def append(self, value: float) -> None:
        self._recent.append(value)
        if len(self._recent) >= self._size:
            self._chunks.append(np.array(self._recent))
            self._recent = array("d")
            if len(self._chunks) - self._in_file > self._held:
                self._spill()

    def _spill(self) -> None:
        chunk = self._chunks[self._in_file]
        assert not isinstance(chunk, int)
        try:
            if self._file is None:
                # Open as long as the column lives; it vanishes with it.
                self._file = tempfile.TemporaryFile(prefix="ganwidgets-history-")  # noqa: SIM115
            start = self._file.seek(0, 2)
            self._file.write(chunk.tobytes())
            self._file.flush()
        except OSError as error:
            warnings.warn(
                Message(
                    "the history of this run now stays in memory and grows: no temporary file can be "
                    "written ({reason}); free some space or set TMPDIR to another folder",
                    reason=str(error),
                ),
                RuntimeWarning,
                stacklevel=2,
            )
            self._held *= 2
            return
        self._chunks[self._in_file] = start
        self._in_file += 1

    def read(self, start: int = 0) -> Floats:
        """Return all values from index `start` on; thread-safe for readers."""
        # In this order: a chunk that is completed in between is then read twice, at the end, where
        # the history cuts it off; in the other order it would be missing.
        recent = np.array(self._recent[:])
        first = start // self._size
        parts = [self._load(chunk) for chunk in self._chunks[first:]]
        return np.concatenate([*parts, recent])[start - first * self._size :]

    def _load(self, chunk: Floats | int) -> Floats:
        if not isinstance(chunk, int):
            return chunk
        assert self._file is not None
        # A map of its own, since the file's position belongs to the thread that appends.
        return np.array(np.memmap(self._file, np.float64, "r", chunk, (self._size,)))

    def until(self, length: int) -> _Column:
        """Return the first `length` values, or all, as another column; full chunks are shared, not copied."""
        whole = min(length // self._size, len(self._chunks))
        rest = self._load(self._chunks[whole]) if whole < len(self._chunks) else np.array(self._recent)
        column = copy.copy(self)
        column._recent = array("d", rest[: length - whole * self._size].tobytes())
        column._chunks = self._chunks[:whole]
        column._in_file = min(self._in_file, whole)
        return column

    def resize(self, length: int) -> None:
        """Truncate to `length` values, or fill up with NaN."""
        vars(self).update(vars(self.until(length)))
        missing = length - len(self._chunks) * self._size - len(self._recent)
        while missing > 0:  # in pieces, so that what exceeds the budget goes to the file at once
            self.extend(np.full(min(missing, self._size), math.nan))
            missing -= self._size

    def extend(self, values: Floats) -> None:
        """Append many values at once."""
        begin = 0
        while begin < len(values):
            # The last of each chunk goes by `append`, which moves a full chunk on.
            part = values[begin : begin + self._size - len(self._recent)]
            self._recent.frombytes(part[:-1].tobytes())
            self.append(float(part[-1]))
            begin += len(part)


class _Pyramid:
    """A column's :data:`Envelope`, updated as rows arrive; pairs of buckets merge when it is full."""

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
    tenth, NaN between. In the same rows ``penalty_d`` is the penalty's part of ``loss_d``, 0 in an update without
    a penalty. ``augment_p`` is the probability of each change under adaptive augmentation, ``level`` that of
    progressive networks, and ``grad_norm_scale_16`` the norm of the gradient of ``loss_g`` by MSG-GAN's images of 16
    pixels a side. These are columns once they were recorded. ``history["samples_seen"]`` and ``history["seconds"]`` are in the same rows, and not listed
    among the columns. Arrays are copies: what is done to them does nothing to the run. Reading is
    safe from any thread while the run goes on.
    """

    def __init__(self, columns: Columns = CLASSIC, *, memory_budget: int = MEMORY_BUDGET) -> None:
        self.columns = columns
        share = memory_budget // (1 + len(columns.dense))
        self._dense = {name: _Column(share) for name in columns.dense}
        self._share = share // (len((*columns.sparse, *columns.optional, *PROGRESS)) + 1)
        # Optional columns join with their first value, so unused ones take no memory and no disk. The dictionary is
        # replaced then, because other threads may iterate over it.
        self._sparse = {name: _Column(self._share) for name in (*columns.sparse, *PROGRESS)}
        self._rows = 0
        self._spent = 0.0
        self._pyramids: dict[tuple[str, int], _Pyramid] = {}
        self._evaluations: list[dict[str, float]] = []
        self.untouched = 0
        """Number of rows unchanged since the last commit to storage."""

    def append(
        self, record: Mapping[str, float], seconds: float = 0.0, samples_seen: float = math.nan
    ) -> None:
        """Append the next iteration's row; costlier columns are stored where :func:`measured` says.

        Parameters
        ----------
        record : mapping
            The values of the columns.
        seconds : float
            How long this iteration took.
        samples_seen : float
            Real samples drawn since the start of the run.
        """
        self._spent += seconds
        for name in self.columns.dense:
            self._dense[name].append(record[name])
        rows = self._rows + 1
        if measured(rows):
            for name in self.columns.sparse:
                self._sparse[name].append(record[name])
            for name in self.columns.optional:
                self._extend_optional(name, np.array([record.get(name, math.nan)]))
            self._sparse["samples_seen"].append(samples_seen)
            self._sparse["seconds"].append(self._spent)
        self._rows = rows

    def extend(self, columns: Mapping[str, Floats], seconds: float = 0.0) -> None:
        """Add the rows of several iterations.

        Parameters
        ----------
        columns : mapping of str to float64 [n]
            A value for each iteration and column, ``samples_seen`` too; costlier columns are kept where
            :func:`measured` says. An optional column may be missing.
        seconds : float
            How long each iteration took.
        """
        n = len(columns[self.columns.dense[0]])
        for name in self.columns.dense:
            self._dense[name].extend(columns[name])
        rows = self._rows + n
        kept = _measured_until(rows)[_measurements(self._rows) :] - 1 - self._rows
        for name in (*self.columns.sparse, "samples_seen"):
            self._sparse[name].extend(columns[name][kept])
        for name in self.columns.optional:
            known = name in columns
            self._extend_optional(name, columns[name][kept] if known else np.full(len(kept), math.nan))
        self._sparse["seconds"].extend(np.asarray(self._spent + seconds * (kept + 1), np.float64))
        self._spent += seconds * n
        self._rows = rows

    def _extend_optional(self, name: str, values: Floats) -> None:
        """Add values of an optional column, which begins with the first that is not NaN."""
        if name not in self._sparse:
            if np.isnan(values).all():
                return
            column = _Column(self._share)
            column.extend(np.full(_measurements(self._rows), math.nan))
            self._sparse = {**self._sparse, name: column}
        self._sparse[name].extend(values)

    def _read_sparse(self, name: str, start: int = 0) -> Floats:
        """Return measured values from number `start` on; NaN for an optional column that has not begun."""
        if name in self._sparse:
            return self._sparse[name].read(start)
        return np.full(max(_measurements(self._rows) - start, 0), math.nan)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __iter__(self) -> Iterator[str]:
        yield "iteration"
        yield from self.columns.listed
        for name in self.columns.optional:
            if not np.isnan(self._read_sparse(name)).all():
                yield name

    def __repr__(self) -> str:
        return f"<History of {self._rows} iterations: {' '.join(self)}>"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    @property
    def evaluations(self) -> tuple[dict[str, float], ...]:
        """Results of :meth:`GANTrainer.evaluate`, with ``iteration n seed``, in the order of the calls.

        Evaluations are kept in memory up to the current iteration; they are not stored on disk.
        """
        return tuple(map(dict, self._evaluations))

    def note_evaluation(self, iteration: int, n: int, seed: int, figures: Mapping[str, float]) -> None:
        """Add the metrics of an evaluation after `iteration`, unless the run has gone back before it."""
        if iteration <= self._rows:
            about = {"iteration": iteration, "n": n, "seed": seed}
            self._evaluations = [*self._evaluations, {**about, **figures}]

    @property
    def rows(self) -> int:
        """Number of recorded iterations."""
        return self._rows

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        rows = self._rows
        if name == "iteration":
            return np.arange(1, rows + 1, dtype=np.int64)
        if name in self._dense:
            return self._dense[name].read()[:rows]
        if name in self._sparse or name in self.columns.optional:
            values = self._read_sparse(name)
            where = _measured_until(rows)[: len(values)] - 1
            column = np.full(rows, np.nan)
            column[where] = values[: len(where)]
            return column
        raise KeyError(
            Message("history has no column {name!r}; it has {known}", name=name, known=", ".join(self))
        )

    def to_frame(self) -> pd.DataFrame:
        """Return everything as a pandas DataFrame, indexed by iteration."""
        import pandas as pd

        columns = {name: self[name] for name in self}
        rows = min(map(len, columns.values()))
        return pd.DataFrame({n: c[:rows] for n, c in columns.items()}).set_index("iteration")

    def envelope(self, name: str, points: int) -> Envelope:
        """Return a thinned column of at most `points` buckets; the cost depends only on new rows.

        Call it from the thread that trains.
        """
        pyramid = self._pyramids.setdefault((name, points), _Pyramid(points))
        if name in self._dense:
            values = self._dense[name].read(pyramid.seen)
            iterations = np.arange(pyramid.seen + 1, pyramid.seen + len(values) + 1)
        else:
            values = self._read_sparse(name, pyramid.seen)
            iterations = _measured_until(self._rows)[pyramid.seen :]
        pyramid.feed(iterations.astype(np.float64), values)
        return pyramid.envelope()

    def resize(self, rows: int) -> None:
        """Truncate to `rows` rows, or fill up with NaN."""
        # Also where the number of rows is right: an append may have been interrupted half way.
        self._rows = min(rows, self._rows)
        for column in self._dense.values():
            column.resize(rows)
        for column in self._sparse.values():
            column.resize(_measurements(rows))
        self._rows = rows
        seconds = self._sparse["seconds"].read(max(0, _measurements(rows) - 1))
        self._spent = float(np.nan_to_num(seconds[-1])) if len(seconds) else 0.0
        self._evaluations = [made for made in self._evaluations if made["iteration"] <= rows]
        self.untouched = min(self.untouched, rows)
        self._pyramids.clear()

    def until(self, rows: int) -> History:
        """Return the first `rows` rows as another history, filled up with NaN.

        The time that it takes does not grow with `rows`: both histories share all full chunks.
        """
        rows_here = min(rows, self._rows)
        length = _measurements(rows_here)
        begun = History(self.columns)
        begun._dense = {name: column.until(rows_here) for name, column in self._dense.items()}
        begun._sparse = {name: column.until(length) for name, column in self._sparse.items()}
        begun._rows = rows_here
        begun._evaluations = self._evaluations
        begun.resize(rows)
        return begun

    def since(self, row: int) -> dict[str, Floats]:
        """Return the result of :meth:`stored` without the first `row` iterations."""
        skipped = _measurements(row)
        return {
            **{name: column.read(row) for name, column in self._dense.items()},
            **{name: column.read(skipped) for name, column in self._sparse.items()},
        }

    def extend_stored(self, columns: Mapping[str, Floats]) -> None:
        """Add the rows that :meth:`since` returned, of another history that had the rows of this one before them."""
        unmeasured = np.full(len(columns["seconds"]), math.nan)
        for name in self.columns.optional:
            self._extend_optional(name, columns.get(name, unmeasured))
        for name, column in {**self._dense, **self._sparse}.items():
            if name not in self.columns.optional:
                column.extend(columns[name])
        self._rows += len(columns[self.columns.dense[0]])
        seconds = columns["seconds"]
        self._spent = float(seconds[-1]) if len(seconds) else self._spent

    def record(self) -> dict[str, float]:
        """Return the last row, with unmeasured columns as last measured; NaN before the first."""
        if not self._rows:
            return dict.fromkeys(self.columns.listed, math.nan)
        dense = {name: column.read(self._rows - 1) for name, column in self._dense.items()}
        sparse = {name: column.read(_measurements(self._rows) - 1) for name, column in self._sparse.items()}
        unused = dict.fromkeys(self.columns.optional, math.nan)
        return {**unused, **{name: float(values[0]) for name, values in {**dense, **sparse}.items()}}

    def stored(self) -> dict[str, Floats]:
        """Return the columns for storage, with compact costlier ones; optional ones only if they are used."""
        return {name: column.read() for name, column in {**self._dense, **self._sparse}.items()}

    @classmethod
    def restored(cls, columns: Mapping[str, Floats], of: Columns = CLASSIC) -> History:
        """Inverse of :meth:`stored`.

        Raises
        ------
        ValueError
            If columns are missing, or have not the length that they have in each history.
        """
        self = cls(of)
        rows = len(columns[of.dense[0]])
        whole = completed(columns, of)
        for name in (*of.listed, *of.optional, *PROGRESS):
            expected = rows if name in of.dense else _measurements(rows)
            if name not in whole or np.shape(whole[name]) != (expected,):
                raise ValueError(f"the column {name} of the history does not have {expected} numbers")
        for name, column in {**self._dense, **self._sparse}.items():
            column.extend(np.asarray(whole[name], dtype=np.float64))
        for name in of.optional:
            self._extend_optional(name, np.asarray(whole[name], dtype=np.float64))
        self.resize(rows)
        return self


def completed(columns: Mapping[str, Floats], of: Columns = CLASSIC) -> dict[str, Floats]:
    """Return stored columns with those added by later versions, filled with NaN."""
    unmeasured = np.full(len(columns.get(of.sparse[0], ())), np.nan)
    return {**columns, **{name: unmeasured for name in (*of.optional, *PROGRESS) if name not in columns}}


def _measurements(rows: int) -> int:
    """Return the number of measured iterations among the first `rows`."""
    return min(rows, 1) + rows // 10


def _measured_until(rows: int) -> Iterations:
    """Return the measured iterations up to `rows`."""
    tenths = np.arange(10, rows + 1, 10, dtype=np.int64)
    return np.concatenate([np.ones(min(rows, 1), dtype=np.int64), tenths])
