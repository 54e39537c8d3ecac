"""The duality gap of a live run, measured in another thread while its curve is shown."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.widgets.panels.charts.chart import Curve

__all__ = ["GapMeter"]

SHARE = 0.1
"""Maximum share of the time for measuring."""

STEPS, SAMPLES = 50, 500
"""Updates of each best response, and samples on which both are compared."""


class GapMeter:
    """Measures the duality gap from time to time.

    Parameters
    ----------
    trainer : GANTrainer
    tasks : LatestOnlyTasks
        Runs the measurements.
    measured : callable
        Called when there is a new value.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(
        self,
        trainer: GANTrainer,
        tasks: LatestOnlyTasks,
        measured: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trainer, self._tasks, self._measured, self._clock = trainer, tasks, measured, clock
        self._rest_until = -np.inf
        self._asked: int | None = None

    def curve(self) -> Curve | None:
        """Return all measured values of this run, including those measured in cells; None before the first."""
        known = {
            entry["iteration"]: entry["duality_gap"]
            for entry in self._trainer.history.evaluations
            if "duality_gap" in entry
        }
        if not known:
            return None
        at = sorted(known)
        return Curve(np.array(at, np.float64), np.array([known[i] for i in at], np.float64))

    def want(self, iteration: int) -> None:
        """Measure at `iteration`, unless it was measured already or would take too much time now."""
        if iteration and iteration != self._asked and self._clock() >= self._rest_until:
            self._asked = iteration
            self._rest_until = np.inf
            self._tasks.ask("duality gap", self._measure, lambda _: self._rest(0.0))

    def _measure(self) -> None:
        began = self._clock()
        self._trainer.duality_gap(steps=STEPS, n=SAMPLES)
        self._rest(self._clock() - began)
        self._measured()

    def _rest(self, took: float) -> None:
        self._rest_until = self._clock() + took * (1 / SHARE - 1)
