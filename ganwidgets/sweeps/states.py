"""The combined state of all runs of a sweep."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.sweeps.figures import SweepFigures
from ganwidgets.sweeps.lanes.lane import Lane
from ganwidgets.sweeps.storage import STATUSES, write_sweep
from ganwidgets.sweeps.swept_runs import between_steps

__all__ = ["SweepState"]

STATE_FORMAT = 1
"""Version of the result of :meth:`SweepState.state_dict`."""


class SweepState(SweepFigures):
    """Mixin of a sweep: storing and loading the states of all runs."""

    @between_steps
    def state_dict(self) -> dict[str, Any]:
        """Return the states of all runs: CPU copies of tensors, and plain values."""
        return {
            "format": STATE_FORMAT,
            "runs": [
                {"state": lane.trainer.state_dict(), "status": lane.status, "error": str(lane.error)}
                for lane in self._lanes_up_to_date()
            ],
        }

    @between_steps
    def load_state_dict(self, state: Any) -> None:
        """Restore a result of :meth:`state_dict` of a sweep with the same configurations.

        Raises
        ------
        CheckpointError
            If the state belongs to other runs; the sweep does not change.
        """
        runs = state.get("runs") if isinstance(state, Mapping) else None
        if not isinstance(runs, list) or state.get("format") != STATE_FORMAT:
            raise CheckpointError(Message("this is not a state that state_dict of a sweep returned"))
        if len(runs) != len(self._lanes):
            raise CheckpointError(
                Message(
                    "the state has {found} runs, but this sweep has {n}; load it into a sweep that was made alike",
                    found=len(runs),
                    n=len(self._lanes),
                )
            )
        for index, run in enumerate(runs):
            if not (
                isinstance(run, Mapping)
                and isinstance(run.get("state"), Mapping)
                and run.get("status") in STATUSES
                and isinstance(run.get("error"), str)
            ):
                raise CheckpointError(
                    Message(
                        "the state of run {i} is damaged: it must have a state, a status of {known}, and an error text; "
                        "use an older copy",
                        i=index,
                        known=", ".join(STATUSES),
                    )
                )
        self._regroup()
        forks = [lane.forked(self._own, self._device) for lane in self._lanes]
        for trainer, run in zip(forks, runs, strict=True):
            trainer.load_state_dict(run["state"])
        self._act("load", list(range(len(runs))))
        self._lanes = [
            Lane(trainer, str(run["status"]), str(run["error"]))
            for trainer, run in zip(forks, runs, strict=True)
        ]
        for index in range(len(self._lanes)):
            self._route(index)

    @between_steps
    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the sweep to one file: all states, histories and logs, and training data that is a small array.

        Raises
        ------
        CheckpointError
            If the file cannot be written; the old file is kept.
        """
        write_sweep(path, self._lanes_up_to_date(), self._varied, self._acts)
