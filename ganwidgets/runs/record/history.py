"""History of a run, one row an iteration, within a memory budget.

Losses have a value in every row. Costlier columns have values at the iterations that
:func:`~ganwidgets.runs.record.columns.measured` selects, and NaN between. Values beyond the budget move to a temporary
file that vanishes with the process; reading a column returns every row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ganwidgets.messages import Message
from ganwidgets.runs.record.columns import (
    CLASSIC,
    PROGRESS,
    Columns,
    completed,
    measured,
    measured_until,
    measurements,
)
from ganwidgets.runs.record.envelope import Envelope, EnvelopePyramid
from ganwidgets.runs.record.spilling import SpillingColumn

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MEMORY_BUDGET", "History"]

MEMORY_BUDGET = 16 * 2**20
"""Maximum bytes of history in memory; the rest is on disk."""

Floats = npt.NDArray[np.float64]


class History(Mapping[str, npt.NDArray[Any]]):
    """Columns by name, ``history["loss_d"]``, as NumPy arrays with one row an iteration.

    Columns are ``iteration`` (int64) and, as float64, ``loss_d loss_g`` in every row and
    ``grad_norm_d grad_norm_g accuracy_real accuracy_fake`` at the first iteration and at every tenth, NaN between.
    Optional columns appear in the same rows with their first number. ``penalty_d`` is the penalty's part of
    ``loss_d``, 0 in an update without a penalty. ``augment_p`` is the probability of each change under adaptive
    augmentation. ``level`` is the level of progressive networks. ``grad_norm_scale_16`` is the norm of the gradient
    of ``loss_g`` by MSG-GAN's images of 16 pixels a side. ``history["samples_seen"]`` and ``history["seconds"]`` have
    the same rows and are not listed among the columns. Arrays are copies: changing them does not change the run.
    Reading is safe from any thread during training.
    """

    def __init__(self, columns: Columns = CLASSIC, *, memory_budget: int = MEMORY_BUDGET) -> None:
        self.columns = columns
        share = memory_budget // (1 + len(columns.dense))
        self._dense = {name: SpillingColumn(share) for name in columns.dense}
        self._share = share // (len((*columns.sparse, *columns.optional, *PROGRESS)) + 1)
        # Optional columns join with their first value, so unused ones take no memory and no disk. The dictionary is
        # replaced then, because other threads may iterate over it.
        self._sparse = {name: SpillingColumn(self._share) for name in (*columns.sparse, *PROGRESS)}
        self._rows = 0
        self._spent = 0.0
        self._pyramids: dict[tuple[str, int], EnvelopePyramid] = {}
        self._evaluations: list[dict[str, float]] = []
        self.untouched = 0
        """Number of rows unchanged since the last commit to storage."""

    def append(
        self, record: Mapping[str, float], seconds: float = 0.0, samples_seen: float = math.nan
    ) -> None:
        """Append the next iteration's row; costlier columns are stored where :func:`~ganwidgets.runs.record.columns.measured` says.

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
            :func:`~ganwidgets.runs.record.columns.measured` says. An optional column may be missing.
        seconds : float
            How long each iteration took.
        """
        n = len(columns[self.columns.dense[0]])
        for name in self.columns.dense:
            self._dense[name].extend(columns[name])
        rows = self._rows + n
        kept = measured_until(rows, self._rows) - 1 - self._rows
        if len(kept):
            for name in (*self.columns.sparse, "samples_seen"):
                self._sparse[name].extend(columns[name][kept])
            for name in self.columns.optional:
                if name in columns:
                    self._extend_optional(name, columns[name][kept])
                elif name in self._sparse:
                    self._sparse[name].extend(np.full(len(kept), math.nan))
            self._sparse["seconds"].extend(np.asarray(self._spent + seconds * (kept + 1), np.float64))
        self._spent += seconds * n
        self._rows = rows

    def _extend_optional(self, name: str, values: Floats) -> None:
        """Add values of an optional column, which begins with the first that is not NaN."""
        if name not in self._sparse:
            if np.isnan(values).all():
                return
            column = SpillingColumn(self._share)
            column.extend(np.full(measurements(self._rows), math.nan))
            self._sparse = {**self._sparse, name: column}
        self._sparse[name].extend(values)

    def _read_sparse(self, name: str, start: int = 0) -> Floats:
        """Return measured values from number `start` on; NaN for an optional column that has not begun."""
        if name in self._sparse:
            return self._sparse[name].read(start)
        return np.full(max(measurements(self._rows) - start, 0), math.nan)

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
        """Add the metrics of an evaluation after `iteration`, unless the run has travelled back before it."""
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
            where = measured_until(rows)[: len(values)] - 1
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
        pyramid = self._pyramids.setdefault((name, points), EnvelopePyramid(points))
        if name in self._dense:
            values = self._dense[name].read(pyramid.seen)
            iterations = np.arange(pyramid.seen + 1, pyramid.seen + len(values) + 1)
        else:
            values = self._read_sparse(name, pyramid.seen)
            iterations = measured_until(self._rows)[pyramid.seen :]
        pyramid.feed(iterations.astype(np.float64), values)
        return pyramid.envelope()

    def resize(self, rows: int) -> None:
        """Truncate to `rows` rows, or fill up with NaN."""
        # Also if the number of rows is right: an interrupt may have cut an append short.
        self._rows = min(rows, self._rows)
        for column in self._dense.values():
            column.resize(rows)
        for column in self._sparse.values():
            column.resize(measurements(rows))
        self._rows = rows
        seconds = self._sparse["seconds"].read(max(0, measurements(rows) - 1))
        self._spent = float(np.nan_to_num(seconds[-1])) if len(seconds) else 0.0
        self._evaluations = [made for made in self._evaluations if made["iteration"] <= rows]
        self.untouched = min(self.untouched, rows)
        self._pyramids.clear()

    def until(self, rows: int) -> History:
        """Return the first `rows` rows as another history, filled up with NaN.

        The time that it takes does not grow with `rows`: both histories share all full chunks.
        """
        rows_here = min(rows, self._rows)
        length = measurements(rows_here)
        begun = History(self.columns)
        begun._dense = {name: column.until(rows_here) for name, column in self._dense.items()}
        begun._sparse = {name: column.until(length) for name, column in self._sparse.items()}
        begun._rows = rows_here
        begun._evaluations = self._evaluations
        begun.resize(rows)
        return begun

    def since(self, row: int) -> dict[str, Floats]:
        """Return the result of :meth:`stored` without the first `row` iterations."""
        skipped = measurements(row)
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
        sparse = {name: column.read(measurements(self._rows) - 1) for name, column in self._sparse.items()}
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
            expected = rows if name in of.dense else measurements(rows)
            if name not in whole or np.shape(whole[name]) != (expected,):
                raise ValueError(f"the column {name} of the history does not have {expected} numbers")
        for name, column in {**self._dense, **self._sparse}.items():
            column.extend(np.asarray(whole[name], dtype=np.float64))
        for name in of.optional:
            self._extend_optional(name, np.asarray(whole[name], dtype=np.float64))
        self.resize(rows)
        return self
