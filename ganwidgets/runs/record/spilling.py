"""A growing sequence of floats within a memory budget: its oldest values move to a temporary file."""

from __future__ import annotations

import copy
import math
import tempfile
import warnings
from array import array
from typing import IO

import numpy as np
import numpy.typing as npt

from ganwidgets.messages import Message

__all__ = ["SpillingColumn"]

Floats = npt.NDArray[np.float64]


class SpillingColumn:
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
        # A memory map, because the appending thread uses the file's position.
        return np.array(np.memmap(self._file, np.float64, "r", chunk, (self._size,)))

    def until(self, length: int) -> SpillingColumn:
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
