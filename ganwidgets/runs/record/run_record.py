"""Metadata and history of one branch, without tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.runs.record.columns import PROGRESS
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import Intervention

__all__ = ["RunRecord", "called"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RunRecord:
    """One branch of a run, from its first state to its tip.

    Attributes
    ----------
    branch : str
        The branch's name.
    branches : int
        Number of branches of the run.
    settings : mapping
        Every setting for the next update at the tip, by name; `data` as a name for people.
    networks : mapping of str to str
        ``"built in"`` or the class's name if it is known, by the network's name.
    interventions : tuple of Intervention
        Those that led to the tip, in order.
    history : History
    rows : int
        Number of iterations; the history may have more rows by now if the run is in training.
    versions : mapping of str to str
        Environment of the last computation: ``torch python device processor threads``, if known.
    notes : tuple of (int, str)
        Iterations and the user's notes.
    """

    branch: str
    branches: int
    settings: Mapping[str, Any]
    networks: Mapping[str, str]
    interventions: tuple[Intervention, ...]
    history: History
    rows: int
    versions: Mapping[str, str]
    notes: tuple[tuple[int, str], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that :meth:`column` returns."""
        return (*self.history, *PROGRESS)

    def column(self, name: str) -> Floats:
        """Return a column of the history, float64 [rows].

        Raises
        ------
        KeyError
            If there is no such column.
        """
        return self.history[name][: self.rows].astype(np.float64, copy=False)

    def progress(self, against: str) -> Floats:
        """Return the position of each row on an axis, float64 [rows], increasing; NaN where not recorded.

        Parameters
        ----------
        against : {"iteration", "samples_seen", "seconds"}
            Between recorded rows, the latter two are interpolated linearly.
        """
        places = self.column(against)
        known = np.flatnonzero(np.isfinite(places))
        if against == "iteration" or not len(known):
            return places
        rows = np.arange(self.rows, dtype=np.float64)
        filled = np.interp(rows, known, places[known])
        if len(known) > 1:  # at most nine rows come after the last that is recorded
            rate = (places[known[-1]] - places[known[-2]]) / (known[-1] - known[-2])
            beyond = rows > known[-1]
            filled[beyond] = places[known[-1]] + rate * (rows[beyond] - known[-1])
        return filled


def called(name: str, preset: bool, fingerprint: str) -> str:
    """Return a table label of data: a preset's name, or its description and the start of its SHA-256.

    >>> called("ring8", True, "12ab"), called("400 points", False, "12ab34cd56ef")
    ('ring8', '400 points, SHA-256 12ab34cd')
    """
    return name if preset else f"{name}, SHA-256 {fingerprint[:8]}"
