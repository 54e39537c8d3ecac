"""Where samples were before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ganwidgets.live.observations.moment import Kind, Moment

__all__ = ["Trail", "TrailRecorder"]

Floats = npt.NDArray[np.float32]

SHOWN = 8
"""Earlier moments that a trail goes through at most."""

REMEMBERED = 64
"""Earlier moments that are kept for trails, ever fewer the longer ago they are."""


@dataclass(frozen=True)
class Trail:
    """Where the shown generated samples were, earliest first, the present left out.

    Attributes
    ----------
    iterations : int64 array [T]
        When; T at most 8, evenly chosen among the moments known, the first as many steps ago as was asked for or, if
        nobody looked then, the one before it, if any. The same number twice, where only one network was updated between.
    positions : float32 array [T, M, F]
        Where.
    """

    iterations: npt.NDArray[np.int64]
    positions: Floats


class TrailRecorder:
    """Where the generated samples were at earlier moments that somebody looked at: :class:`Trail`."""

    name: ClassVar[str] = "trails"
    kinds: ClassVar[frozenset[Kind]] = frozenset({"points"})

    def __init__(self) -> None:
        self._branch = -1
        self._moments: list[tuple[int, int, Floats]] = []

    def take(self, moment: Moment) -> Trail:
        """Return it, and remember the present; what the run went back from is forgotten."""
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
        """Return the moments that a trail from iteration `since` on goes through."""
        known = self._moments
        first = max((place for place, (when, _, _) in enumerate(known) if when <= since), default=0)
        places = np.unique(np.linspace(first, len(known) - 1, SHOWN).round().astype(int))
        return [known[place] for place in places] if known else []

    def _thin_out(self) -> None:
        """Forget a moment if there are too many: one between two neighbours that are close for how long ago it was."""
        known = self._moments
        if len(known) > REMEMBERED + 1:
            now = known[-1][0]
            gaps = [
                (known[place + 1][0] - known[place - 1][0]) / (1 + now - known[place][0])
                for place in range(1, len(known) - 1)
            ]
            del known[1 + int(np.argmin(gaps))]
