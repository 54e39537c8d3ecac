"""Metrics and tables of the runs of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ganwidgets.messages import Message
from ganwidgets.metrics import METRICS
from ganwidgets.sweeps.run_view import SweepRun
from ganwidgets.sweeps.swept_runs import SweptRuns, between_steps

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SweepFigures"]

_ABOUT = frozenset({"iteration", "n", "seed"})
"""Entries of an evaluation that are not metrics."""


class SweepFigures(SweptRuns):
    """Mixin of a sweep: metrics and tables of its runs, computed without changing their states."""

    def evaluate(self, n: int = 2500, seed: int = 0) -> list[dict[str, float]]:
        """Return the result of :meth:`GANTrainer.evaluate` for every run, in order of the runs."""
        return [self._figures(index, n, seed) for index in range(len(self._lanes))]

    @between_steps
    def _figures(self, index: int, n: int, seed: int) -> dict[str, float]:
        lane = self._up_to_date(index)
        for known in reversed(lane.session.history.evaluations):
            if (known["iteration"], known["n"], known["seed"]) == (lane.trainer.iteration, n, seed):
                return {name: value for name, value in known.items() if name not in _ABOUT}
        return lane.trainer.evaluate(n, seed)

    def best(self, metric: str, n: int = 2500, seed: int = 0) -> SweepRun:
        """Return the run with the best value of a metric; the first of equal ones.

        Parameters
        ----------
        metric : str
            One of the names that :meth:`evaluate` returns.
        n, seed : int
            As for :meth:`evaluate`.

        Raises
        ------
        ValueError
            If the data does not have the metric.
        """
        known = {
            name: about
            for lane in self._lanes
            for name, about in METRICS[lane.session.run.source.kind].items()
        }
        if metric not in known:
            raise ValueError(
                Message(
                    "there is no metric {name!r}; choose one of {known}", name=metric, known=", ".join(known)
                )
            )
        figures = self.evaluate(n, seed)
        sign = 1.0 if known[metric].better == "lower" else -1.0
        values = np.array([sign * each.get(metric, np.nan) for each in figures])
        # A run whose data do not have the metric is the last choice in both directions.
        return self.runs[int(np.argmin(np.where(np.isnan(values), np.inf, values)))]

    @between_steps
    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row for each run.

        Returns
        -------
        DataFrame
            Indexed by ``run``. Columns: the settings that vary, ``seed status iteration loss_d loss_g``, and
            the metrics of the last :meth:`evaluate` at the run's iteration, if any.
        """
        import pandas as pd

        varied = self.varied
        rows = []
        for index, lane in enumerate(self._lanes):
            iteration, settings = self._iteration(index), lane.session.settings.as_dict()
            last = lane.session.history.record()
            figures = [e for e in lane.session.history.evaluations if e["iteration"] == iteration]
            rows.append(
                {
                    "run": index,
                    **{name: settings[name] for name in varied},
                    "seed": settings["seed"],
                    "status": lane.status,
                    "iteration": iteration,
                    "loss_d": last["loss_d"],
                    "loss_g": last["loss_g"],
                    **{k: v for k, v in (figures[-1] if figures else {}).items() if k not in _ABOUT},
                }
            )
        return pd.DataFrame(rows).set_index("run")
