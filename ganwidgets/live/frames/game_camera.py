"""Takes frames of games other than the classic one: exhibits, curves and metrics at one moment."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.live.frames.frame import FrameRequest
from ganwidgets.live.frames.metric_sampler import SELDOM
from ganwidgets.live.worker.run_state import Status
from ganwidgets.live.worker.runner import Runner
from ganwidgets.modality import MODALITIES, Modality
from ganwidgets.rendering.pictures.scene import drawn_small
from ganwidgets.runs.inspect.sampling import shown
from ganwidgets.runs.inspect.substeps import SubStep
from ganwidgets.runs.record.envelope import Envelope
from ganwidgets.runs.timeline.branch_view import TimelineView, TimelineViewer
from ganwidgets.stepping.game_assembly import look

__all__ = ["GameCamera", "GameFrame"]

SHOWN = 8
"""Number of samples of each image exhibit; for points :data:`SHOWN_POINTS`."""

SHOWN_POINTS = 300

MEASURED = 128
"""Number of samples for metrics during training."""

SEED = 0
"""Seed of the displayed samples."""

SHARE = 0.05
"""Maximum share of the time for measurements."""

PAUSE = 2.0
"""Minimum seconds between two measurements."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class GameFrame:
    """One moment of a run.

    Attributes
    ----------
    exhibits : mapping of str to float32 array
        Results of :meth:`Game.show`, in display units.
    losses : mapping of str to Envelope
        Every column of the history, at most 240 points each.
    compared : mapping of str to Envelope
        The same columns of the branch chosen for comparison; empty without one.
    latest_metrics : mapping of str to float
        The latest metrics.
    walk : SubStep or None
        Current sub-step of a walk.
    iteration, status, steps_per_second, record, exact, past, taken_as, signs
        As in :class:`~ganwidgets.live.frames.frame.Frame`.
    """

    iteration: int
    status: Status
    steps_per_second: float
    record: Mapping[str, float]
    kind: str
    exhibits: Mapping[str, Floats]
    losses: Mapping[str, Envelope]
    compared: Mapping[str, Envelope]
    latest_metrics: Mapping[str, float]
    exact: bool
    past: TimelineView
    walk: SubStep | None = None
    taken_as: str = ""
    signs: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def modality(self) -> Modality:
        """The kind of data."""
        return MODALITIES[self.kind]


class GameCamera:
    """Takes frames of a run of any game, between two steps.

    Parameters
    ----------
    runner : Runner
    measured : callable
        Never called: metrics are measured together with the frame that shows them.

    Attributes
    ----------
    request, burden, costs
        As in :class:`~ganwidgets.live.frames.camera.Camera`.
    postponed : float
        Seconds until the metrics of the last frame's moment may be measured; infinite if no measurement waits.
    """

    def __init__(self, runner: Runner, *, measured: Callable[[], None] = lambda: None) -> None:
        del measured
        self.request = FrameRequest(SHOWN)
        self.burden = 0.0
        self.costs: dict[str, float] = {}
        self._runner = runner
        self._trainer = runner.trainer
        self._viewer = TimelineViewer(runner.trainer._session)
        self._figures: dict[str, float] = {}
        self._measured_at: tuple[Any, ...] = ()
        self._began = -math.inf
        self._pause = 0.0
        self.postponed = math.inf

    def take(
        self, *, complete: bool = False, also: Collection[str] = (), picture_only: bool = False
    ) -> GameFrame:
        """Return a frame of the current state.

        Parameters
        ----------
        complete : bool
            Measure the metrics of this exact moment.
        also : collection of str
            Ignored: these games have no further observations.
        picture_only : bool
            Only the exhibits are shown: the frame has no curves, and metrics are measured seldom.
        """
        del also
        if complete:
            self._runner.refuse_inside()
        frame: GameFrame = self._runner.look(lambda: self._taken(complete, picture_only))
        return frame

    def _taken(self, complete: bool, picture_only: bool) -> GameFrame:
        began = time.monotonic()
        trainer, state = self._trainer, self._runner.state
        session = trainer._session
        columns = () if picture_only else session.history.columns.listed
        n = SHOWN_POINTS if trainer.source.modality.on_plane else self.request.pictures
        self._measure(complete, picture_only)
        seen = shown(session, n, SEED)
        frame = GameFrame(
            iteration=state.iteration,
            status=state.status,
            steps_per_second=state.steps_per_second,
            record=state.record,
            kind=trainer.source.kind,
            exhibits={name: np.array(tensor.numpy(), np.float32) for name, tensor in seen.items()},
            losses={name: drawn_small(trainer.history, name) for name in columns},
            compared=self._comparison(columns),
            latest_metrics=dict(self._figures),
            exact=trainer.exact,
            past=self._viewer.now(),
            walk=state.walk,
            taken_as="" if trainer.source.preset else trainer.source.taken_as,
        )
        self.burden = time.monotonic() - began
        return frame

    def _measure(self, complete: bool, seldom: bool) -> None:
        session, now = self._trainer._session, time.monotonic()
        moment = id(session.run), session.state.iteration, session.place
        self.postponed = math.inf
        if moment == self._measured_at:
            return
        at_rest = self._runner.state.status != "running"
        due = self._began + (self._pause * SELDOM if seldom else self._pause)
        wait = (self._began + PAUSE if at_rest else due) - now
        if wait > 0 and not complete:
            self.postponed = wait
            return
        found: dict[str, float] = look(session.run, session.in_force(), "evaluate", MEASURED, SEED)
        took = time.monotonic() - now
        self._figures, self._measured_at = found, moment
        self._began, self._pause = now, took + max(PAUSE, took / SHARE)

    def _comparison(self, columns: Collection[str]) -> dict[str, Envelope]:
        timeline, branch = self._trainer.timeline, self.request.compared
        if branch is None or branch not in timeline.branches:
            return {}
        history = timeline.history(branch)
        return {name: drawn_small(history, name) for name in columns}
