"""Frames of a sweep: miniatures, curves, and the metric that colours the cells.

A frame is one message with these arrays: ``samples`` (float32 [runs, n, 2], or uint8 [runs, n, height, width, channels]),
``values`` (float32 [runs], NaN before a run was measured), ``changed`` (float32 [m], the runs whose curves the frame
brings), and ``curves`` (float32 [m, 2, points], their losses of D and of G).

A curve is sent again after its run has taken about as many steps as one of its points covers, and after a pause.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.metrics import METRICS
from ganwidgets.modality import Modality
from ganwidgets.runs.state.state_tree import data_name
from ganwidgets.seeds import derive, seeded
from ganwidgets.sweeps.lanes.lane import Lane
from ganwidgets.sweeps.sweep import Sweep

__all__ = ["SweepFrames"]

POINTS, IMAGES, CURVE = 100, 4, 40

MEASURED = 500
"""Number of samples of a live evaluation."""

SHARE = 0.05
"""Maximum share of the time for measuring while the runs train."""

PAUSED = 0.2
"""Maximum seconds for measuring in one frame while the runs pause."""

PART = 0.25
"""Maximum share of the curves in one frame while the runs train."""

Floats = npt.NDArray[np.float32]
Mark = tuple[Lane, int]
"""A run and its iteration."""


class SweepFrames:
    """Draws frames of a sweep, on the thread that steps it.

    Parameters
    ----------
    sweep : Sweep
    metric : str
        Colours the cells at first.
    """

    def __init__(self, sweep: Sweep, metric: str) -> None:
        self._sweep = sweep
        self._next = 0
        self._due = 0.0
        self._floors: dict[str, float] | None = None
        self._figures: dict[int, tuple[Mark, dict[str, float]]] = {}
        self._sent: dict[int, Mark] = {}
        self._forgotten = False
        self.metric = metric
        self.spent = 0.0
        """Seconds that the last call of :meth:`measure` took."""

    @property
    def modality(self) -> Modality:
        """The kind of data."""
        return self._sweep._lanes[0].session.run.source.modality

    def metrics(self) -> list[str]:
        """Return the metrics that the data have."""
        return list(self.floors())

    def floors(self) -> dict[str, float]:
        """Return the metrics of perfect samples."""
        if self._floors is None:
            lane = self._sweep._lanes[0]
            self._floors = lane.trainer._evaluation.of_real(MEASURED, 0, None)
        return self._floors

    def real(self) -> tuple[list[Floats], list[int]]:
        """Return real samples of each data set, in the form of generated ones in a frame, and the data set of each run."""
        n = POINTS if self.modality.on_plane else IMAGES
        runs = [lane.session.run for lane in self._sweep._lanes]
        of_run = [data_name(run.source) for run in runs]
        by_name = dict(zip(of_run, runs, strict=True))
        names = list(by_name)
        drawn = [
            self._shown(run.shown(run.training.draw(n, seeded(0, "real"))).numpy())
            for run in by_name.values()
        ]
        return drawn, [names.index(name) for name in of_run]

    def samples(self) -> npt.NDArray[Any]:
        """Return miniatures of all runs, made of equal latents."""
        n = POINTS if self.modality.on_plane else IMAGES
        made = self._sweep._samples(n, derive(0, "miniature"))
        return np.stack([self._shown(each.numpy()) for each in made])

    def _shown(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self.modality.on_plane:
            flat = samples[:, :2].astype(np.float32)
            return flat if flat.shape[1] == 2 else np.concatenate([flat, np.zeros_like(flat)], 1)
        pixels = self.modality.drawn(samples) * 255
        return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1).astype(np.uint8))

    def curves(self, *, exact: bool) -> dict[str, Floats]:
        """Return the curves that changed visibly since they were last returned, and their runs.

        Parameters
        ----------
        exact : bool
            Return every curve that changed at all, of any number of runs.
        """
        marks = [(lane, self._sweep._iteration(index)) for index, lane in enumerate(self._sweep._lanes)]
        if self._forgotten:
            self._forgotten, self._sent = False, {}
        late = [self._lateness(self._sent.get(index), mark) for index, mark in enumerate(marks)]
        changed = sorted(
            (i for i in range(len(marks)) if late[i] >= (0 if exact else 1)), key=lambda i: -late[i]
        )
        if not exact:
            changed = changed[: max(math.ceil(len(marks) * PART), late.count(math.inf))]
        table = np.full((len(changed), 2, CURVE), np.nan, np.float32)
        for row, index in enumerate(changed):
            lane, _ = self._sent[index] = marks[index]
            for column, name in enumerate(("loss_d", "loss_g")):
                means = lane.session.history.envelope(name, CURVE)[2]
                table[row, column, : len(means)] = means
        return {"changed": np.array(changed, np.float32), "curves": table}

    @staticmethod
    def _lateness(sent: Mark | None, now: Mark) -> float:
        """Return the progress of a run since its curve was sent, in points of a curve; negative if there is none."""
        if sent is None or sent[0] is not now[0] or sent[1] > now[1]:
            return math.inf
        return (now[1] - sent[1]) * CURVE / max(sent[1], CURVE) if now[1] > sent[1] else -1.0

    def forget(self) -> None:
        """Make the next call of :meth:`curves` return every curve, because a new view has none."""
        self._forgotten = True

    def values(self) -> Floats:
        """Return the chosen metric of every run, NaN if it was not measured yet."""
        figures = [self.figures(index).get(self.metric, np.nan) for index in range(len(self._sweep))]
        return np.array(figures, np.float32)

    def figures(self, index: int) -> dict[str, float]:
        """Return the last evaluation of a run; empty if there is none."""
        known = self._figures.get(index)
        return {} if known is None or known[0][0] is not self._sweep._lanes[index] else known[1]

    def measure(self, *, training: bool) -> None:
        """Measure runs that have moved since they were measured: one if that is due, several while they pause."""
        now = time.perf_counter()
        self.spent = 0.0
        if training and now < self._due:
            return
        for _ in range(len(self._sweep)):
            index, self._next = self._next, (self._next + 1) % len(self._sweep)
            if self._moved(index):
                self.measure_now(index)
                if training or time.perf_counter() - now > PAUSED:
                    break
        ended = time.perf_counter()
        self.spent = ended - now
        self._due = ended + (ended - now) / SHARE * (1 - SHARE)

    def _moved(self, index: int) -> bool:
        """Return True if a run was not measured at its current iteration."""
        mark = self._sweep._lanes[index], self._sweep._iteration(index)
        return index not in self._figures or self._figures[index][0] != mark

    def measure_now(self, index: int) -> None:
        """Measure a run at its current iteration."""
        lane = self._sweep._up_to_date(index)
        mark = lane, self._sweep._iteration(index)
        self._figures[index] = mark, lane.trainer._evaluation.of_generated(MEASURED, 0, None)

    def best(self) -> int:
        """Return the run with the best value of the chosen metric, of those that were measured."""
        sign = 1 if METRICS[self.modality.name][self.metric].better == "lower" else -1
        values = sign * self.values()
        return int(np.argmin(np.where(np.isfinite(values), values, np.inf)))

    @property
    def measured(self) -> bool:
        """True if every run was measured at its current iteration."""
        return not any(self._moved(index) for index in range(len(self._sweep)))

    def scale(self) -> dict[str, Any]:
        """Return the display of the metric: better direction, floor, and format."""
        about = METRICS[self.modality.name][self.metric]
        alike = len({data_name(lane.session.run.source) for lane in self._sweep._lanes}) == 1
        floor = self.floors().get(self.metric, float("nan")) if alike else float("nan")
        return {
            "better": about.better,
            "floor": floor if np.isfinite(floor) else None,
            "format": about.format,
        }
