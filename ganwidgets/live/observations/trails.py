"""Observation of past positions of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ganwidgets.live.observations.moment import Moment
from ganwidgets.modality import View

__all__ = ["Trail", "TrailRecorder"]

Floats = npt.NDArray[np.float32]

SHOWN = 8
"""Maximum number of past moments in a trail."""

REMEMBERED = 64
"""Maximum number of stored past moments, sparser for older ones."""


@dataclass(frozen=True)
class Trail:
    """Past positions of the displayed generated samples, earliest first, without the present.

    Attributes
    ----------
    iterations : int64 array [T]
        At most 8 iterations, evenly spread over the stored moments. The first is as many steps ago as the user chose,
        or the stored one before. An iteration occurs twice if only one network was updated in between.
    positions : float32 array [T, M, F]
        Positions at these iterations.
    """

    iterations: npt.NDArray[np.int64]
    positions: Floats


class TrailRecorder:
    """Observation: positions of the generated samples at earlier observed moments, as :class:`Trail`."""

    name: ClassVar[str] = "trails"
    views: ClassVar[frozenset[View]] = frozenset({"plane"})

    def __init__(self) -> None:
        self._branch = -1
        self._moments: list[tuple[int, int, Floats]] = []

    def take(self, moment: Moment) -> Trail:
        """Return the trail and store the present; discard moments from which the run went back."""
        known = self._moments
        if moment.branch != self._branch:
            known.clear()
        self._branch = moment.branch
        while known and (known[-1][0] > moment.iteration or known[-1][1] == moment.moves):
            known.pop()
        before = self._chosen(moment.iteration - moment.focus.trail)
        present: Floats = np.array(moment.generated.numpy())
        known.append((moment.iteration, moment.moves, present))
        self._thin_out()
        return Trail(
            iterations=np.array([iteration for iteration, _, _ in before], dtype=np.int64),
            positions=np.stack([where for _, _, where in before])
            if before
            else np.empty((0, *present.shape), np.float32),
        )

    def _chosen(self, since: int) -> list[tuple[int, int, Floats]]:
        """Return the moments of a trail from iteration `since` on."""
        known = self._moments
        first = max((place for place, (when, _, _) in enumerate(known) if when <= since), default=0)
        places = np.unique(np.linspace(first, len(known) - 1, SHOWN).round().astype(int))
        return [known[place] for place in places] if known else []

    def _thin_out(self) -> None:
        """Discard a moment if there are too many: the one whose neighbours are closest relative to their age."""
        known = self._moments
        if len(known) > REMEMBERED + 1:
            now = known[-1][0]
            gaps = [
                (known[place + 1][0] - known[place - 1][0]) / (1 + now - known[place][0])
                for place in range(1, len(known) - 1)
            ]
            del known[1 + int(np.argmin(gaps))]
