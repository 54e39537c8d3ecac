"""What goes into a run folder at once, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Columns", "Entry", "SnapshotRow", "Stored"]

Columns = Mapping[str, npt.NDArray[np.float64]]
"""Columns of a history as :meth:`History.stored` has them: the costlier ones compact."""


@dataclass(frozen=True)
class Entry:
    """One step forward of a stored run: all of it is stored, or nothing.

    Attributes
    ----------
    branches, interventions : sequence of mappings
        The new ones, as values that JSON can hold.
    history : sequence of (branch, first iteration, columns)
        New rows. Those from an iteration that the branch already has replace the rows from there on.
    snapshots : sequence of (place, tree)
        What describes a state, as values that JSON can hold, and the state: nested dictionaries of
        tensors and such values.
    current : mapping
        Where the run stands, and where its branches were left, as values that JSON can hold.
    """

    branches: Sequence[Mapping[str, Any]] = ()
    interventions: Sequence[Mapping[str, Any]] = ()
    history: Sequence[tuple[int, int, Columns]] = ()
    snapshots: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]] = ()
    current: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class SnapshotRow:
    """A snapshot in the index of a run folder.

    Attributes
    ----------
    id : int
        Its number, which is never used again.
    place : dict
        What was committed to describe it.
    file : str
        The file's name in ``snapshots/``.
    size : int
        The file's bytes.
    sha256 : str
        The file's SHA-256, in hex.
    """

    id: int
    place: dict[str, Any]
    file: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Stored:
    """Everything in a run folder but the states themselves, verified.

    Attributes
    ----------
    branches, interventions : list of dict
        In the order in which they were committed.
    history : dict
        For each branch that has rows of its own, the first row's iteration and the columns.
    snapshots : list of SnapshotRow
        In the order in which they were committed.
    current : dict
        What was committed last as such.
    """

    branches: list[dict[str, Any]]
    interventions: list[dict[str, Any]]
    history: dict[int, tuple[int, dict[str, npt.NDArray[np.float64]]]]
    snapshots: list[SnapshotRow]
    current: dict[str, Any]
