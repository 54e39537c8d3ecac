"""Content of a commit to a run folder, and content read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Columns", "Entry", "SnapshotRow", "Stored"]

Columns = Mapping[str, npt.NDArray[np.float64]]
"""Columns in the form of :meth:`History.stored`: the costlier ones compact."""


@dataclass(frozen=True)
class Entry:
    """One commit of a run, stored atomically.

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
        Current place and tips of branches, as JSON values.
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
        JSON description of the snapshot.
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
    """Verified content of a run folder, except the states.

    Attributes
    ----------
    branches, interventions : list of dict
        In commit order.
    history : dict
        For each branch with rows of its own, the first row's iteration and the columns.
    snapshots : list of SnapshotRow
        In commit order.
    current : dict
        The last committed value.
    """

    branches: list[dict[str, Any]]
    interventions: list[dict[str, Any]]
    history: dict[int, tuple[int, dict[str, npt.NDArray[np.float64]]]]
    snapshots: list[SnapshotRow]
    current: dict[str, Any]
