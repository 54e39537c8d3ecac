"""Takes frames: copies of all displayed values of one moment.

Points need the networks for about a millisecond, so they are computed between two steps. Images take at least ten times
as long, so only the networks are copied between two steps. The requesting thread computes the images from the copies.
Without a request nothing is computed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.live.frames.cpu_share import CpuShare
from ganwidgets.live.frames.frame import Frame, FrameRequest
from ganwidgets.live.frames.image_metrics import ImageEvaluator
from ganwidgets.live.frames.metric_sampler import SAMPLES, MetricSampler, measured_of
from ganwidgets.live.frames.metric_sampler import SEED as MEASURED
from ganwidgets.live.frames.substep_frame import Inside, inside
from ganwidgets.live.observations import OBSERVATIONS, Moment, Observation
from ganwidgets.live.worker.run_state import RunState
from ganwidgets.live.worker.runner import Runner
from ganwidgets.metrics import evaluate_samples
from ganwidgets.rendering.pictures.scene import CURVES, PICTURES, SEED, Scene, drawn_small, scene_of
from ganwidgets.runs.inspect.frozen_run import frozen_run_of
from ganwidgets.runs.inspect.sampling import (
    Visible,
    decisiveness,
    generated_as_drawn,
    overfitting,
    real_as_drawn,
    sampler,
)
from ganwidgets.runs.quality.evaluation import FAIR
from ganwidgets.runs.record.envelope import Envelope
from ganwidgets.runs.timeline.branch_view import TimelineView, TimelineViewer
from ganwidgets.stepping.runtime.ambient import pinned

if TYPE_CHECKING:
    from ganwidgets.stepping.assembly import Assembled

__all__ = ["Camera"]

Floats = npt.NDArray[np.float32]
T = TypeVar("T")

PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Number of processors available to this process."""

BESIDE = 3
"""Seconds of work in another thread that count as one second of blocked training, if a processor is free for them."""

ROOM = 0.9
"""Minimum share of a processor for the training, if one is left for other threads."""

PATIENCE = 20.0
"""Maximum seconds that a complete frame waits for image metrics, which may train a classifier first."""

LOSS_CURVES = ("loss_d", "loss_g")

MEASURED_SIGNS = ("served", "extent", "logit_spread", "undecided")
"""Values for the interpretation of metrics that are measured with the metrics but are not metrics."""

JUDGED = 500
"""Number of points, real and generated, for D's part of the verdict: about a millisecond."""


@dataclass(frozen=True)
class _Kept:
    """State that stays the same for a whole run."""

    run: Assembled
    fixed: Scene
    real: Floats
    pictures: int
    label: int | None
    observations: dict[str, Observation] = field(default_factory=dict)


@dataclass(frozen=True)
class _Exposure:
    """Result of one visit between two steps.

    Attributes
    ----------
    number : int
        Increases with each visit.
    visible : Visible
        The run itself if it was evaluated during the visit, otherwise copies of its networks.
    picture_only : bool
        See :meth:`Camera.take`.
    developed : _Developed or None
        Outputs of the networks, if the visit computed them.
    """

    number: int
    kept: _Kept
    visible: Visible
    state: RunState
    iteration: int
    losses: dict[str, Envelope]
    exact: bool
    past: TimelineView
    compared: dict[str, Envelope]
    inside: Inside | None
    picture_only: bool = False
    developed: _Developed | None = None


@dataclass(frozen=True)
class _Developed:
    """Outputs of the networks."""

    generated: Floats
    seen: Mapping[str, Any]


class Camera:
    """Takes frames of the run of `runner`.

    Parameters
    ----------
    runner : Runner
        The run.
    interval : float
        Minimum seconds between two measurements of metrics.
    measured : callable
        Called, on any thread, when there are metrics that no frame has shown yet.

    Attributes
    ----------
    request : FrameRequest
        Content of the next frames.
    cost : float
        Seconds that the last frame blocked the training.
    burden : float
        Weighted seconds of the last frame, including work in other threads.
    costs : mapping of str to float
        Processor seconds of each observation, when last taken.
    """

    def __init__(
        self, runner: Runner, *, interval: float = 1.0, measured: Callable[[], None] = lambda: None
    ) -> None:
        self.request = FrameRequest(PICTURES, frozenset({"verdict"}))
        self.cost = self.burden = 0.0
        self.costs: dict[str, float] = {}
        self._runner = runner
        self._trainer = runner.trainer
        self._timeline_viewer = TimelineViewer(runner.trainer._session)
        self._room = CpuShare()
        self._metric_sampler = MetricSampler(
            interval,
            measured=measured,
            watched=lambda: not runner.closed,
            room=lambda: self._room.share,
        )
        self._image_evaluator: ImageEvaluator | None = None
        self._kept: _Kept | None = None
        self._taken = self._measured = 0
        self._lock = threading.Lock()

    def take(
        self, *, complete: bool = False, also: Collection[str] = (), picture_only: bool = False
    ) -> Frame:
        """Return a frame of the current state.

        Parameters
        ----------
        also : collection of str
            Observations besides those of `request`.
        complete : bool
            Wait for metrics of this exact moment, which takes some tens of milliseconds, and a few seconds the first
            time. Otherwise the frame has the metrics of about the last second.
        picture_only : bool
            Only the picture of the samples is shown: the frame has no curves, and metrics are measured seldom.

        Raises
        ------
        Exception
            Any exception of a user's network in eval mode.
        RuntimeError
            If `complete` is set on the runner's own thread, which would wait for itself.
        """
        if complete:
            self._runner.refuse_inside()
        seen = self._runner.look(lambda: self._timed(complete, also, picture_only))
        scene, source = seen.kept.fixed, seen.kept.fixed.source
        try:
            developed = seen.developed or self._developed_aside(seen, complete, also)
        except Exception:
            if self._trainer._session.run is seen.kept.run:
                raise
            # A run began afresh meanwhile, possibly on other data.
            return self.take(complete=complete, also=also, picture_only=picture_only)
        on_features = source.modality.on_features
        if complete:
            self._metric_sampler.settle(PATIENCE if on_features else None)
        names = ("accuracy_real", "accuracy_fake") if on_features else ()
        labels, latest = seen.kept.run.labels, self._metric_sampler.latest
        accuracies = {name: seen.state.record[name] for name in names if name in seen.state.record}
        return Frame(
            iteration=seen.state.iteration,
            status=seen.state.status,
            steps_per_second=seen.state.steps_per_second,
            record=seen.state.record,
            kind=source.kind,
            shape=source.shape,
            taken_as="" if source.preset else source.taken_as,
            real=seen.kept.real,
            generated=developed.generated,
            labels=None if scene.labels is None else scene.labels.numpy(),
            extent=scene.extent,
            axes=scene.axes,
            losses=seen.losses,
            metrics=_metrics(self._metric_sampler.curves),
            floors=self._metric_sampler.floors,
            latest_metrics={**accuracies, **_metrics(latest)},
            signs={name: value for name, value in latest.items() if name in MEASURED_SIGNS},
            exact=seen.exact,
            past=seen.past,
            compared=seen.compared,
            seen=developed.seen,
            judged=None if self._image_evaluator is None else self._image_evaluator.judged,
            judged_by="" if self._image_evaluator is None else self._image_evaluator.called,
            trouble=self._metric_sampler.trouble,
            inside=seen.inside,
            classes=() if scene.labels is None or labels is None else labels.known,
        )

    # --- between two steps ----------------------------------------------------------------------

    @property
    def postponed(self) -> float:
        """Seconds until the metrics of the last frame's moment may be measured; infinite if no measurement waits."""
        return self._metric_sampler.postponed

    @property
    def _at_rest(self) -> bool:
        return self._runner.state.status != "running"

    def _timed(self, complete: bool, also: Collection[str], picture_only: bool) -> _Exposure:
        self._room.look()
        began = time.monotonic()
        exposure = self._expose(complete, also, picture_only)
        self.cost = self.burden = time.monotonic() - began
        return exposure

    def _expose(self, complete: bool, also: Collection[str], picture_only: bool) -> _Exposure:
        trainer = self._trainer
        kept = self._kept
        run = trainer._session.run
        asked = (self.request.pictures, self.request.label)
        if kept is None or kept.run is not run or (kept.pictures, kept.label) != asked:
            kept = self._begin(run, kept)
        at_once = not kept.fixed.source.modality.on_features
        state = self._runner.state
        self._taken += 1
        self._metric_sampler.forget_from(trainer.iteration + 1)
        exposure = _Exposure(
            number=self._taken,
            kept=kept,
            visible=trainer._session if at_once else frozen_run_of(trainer._session),
            state=state,
            iteration=trainer.iteration,
            losses={name: drawn_small(trainer.history, name) for name in CURVES if not picture_only},
            exact=trainer.exact,
            past=self._timeline_viewer.now(),
            compared={} if picture_only else self._comparison(),
            picture_only=picture_only,
            inside=None if state.walk is None else inside(trainer._session, state.walk, kept.fixed),
        )
        return replace(exposure, developed=self._develop(exposure, complete, also)) if at_once else exposure

    def _developed_aside(self, exposure: _Exposure, complete: bool, also: Collection[str]) -> _Developed:
        run = exposure.kept.run
        began = time.thread_time()
        with pinned(run.threads, run.state.device):
            developed = self._develop(exposure, complete, also)
        effort = (time.thread_time() - began) * run.threads
        share = self._room.share
        spare = run.state.device.type == "cpu" and run.threads < PROCESSORS and share > ROOM
        # If the training gets half of a processor, time taken from it counts twice.
        self.burden = max(self.cost, effort / BESIDE) if spare else (self.cost + effort) / share
        return developed

    def _develop(self, exposure: _Exposure, complete: bool, also: Collection[str]) -> _Developed:
        """Return the networks' outputs, and start a measurement if one is due."""
        visible, scene = exposure.visible, exposure.kept.fixed
        sampled = generated_as_drawn(visible, len(scene.real), SEED, scene.labels)
        shown: Floats = np.array(sampled.numpy(), dtype=np.float32)
        modality = scene.source.modality
        measure = self._measure_images if modality.on_features else self._measure
        measure(exposure, shown, complete)
        return _Developed(modality.drawn(shown), self._observe(exposure, sampled, also))

    def _begin(self, run: Assembled, before: _Kept | None) -> _Kept:
        """Select the real samples for a new run or another number of pictures."""
        pictures, label = self.request.pictures, self.request.label
        fixed = scene_of(self._trainer._session, pictures, label)
        if before is None or before.run is not run:
            same_data = before is not None and before.fixed.source is fixed.source
            floors = self._metric_sampler.floors if same_data else {}
            by = self._trainer.features if fixed.source.modality.on_features else None
            self._metric_sampler.begin(measured_of(run.state, by, floors))
            self._image_evaluator = None
        self._kept = _Kept(run, fixed, fixed.source.modality.drawn(fixed.real.numpy()), pictures, label)
        return self._kept

    def _observe(self, exposure: _Exposure, generated: Tensor, also: Collection[str]) -> Mapping[str, Any]:
        """Return the requested observations besides the samples, and drop those no longer requested."""
        known, request, scene = exposure.kept.observations, self.request, exposure.kept.fixed
        for name in known.keys() - request.wanted:
            known.pop(name, None)
        moment = Moment(
            exposure.visible,
            self._runner.look,
            SEED,
            scene.real,
            generated,
            scene.labels,
            iteration=exposure.iteration,
            branch=exposure.past.branch,
            moves=exposure.state.moves,
            extent=scene.extent,
            focus=request.focus,
        )
        seen = {}
        for name in (request.wanted - request.skipped).union(also):
            observation = known.setdefault(name, OBSERVATIONS[name]())
            if scene.source.modality.view in observation.views:
                began = time.thread_time()
                seen[name] = observation.take(moment)
                self.costs[name] = time.thread_time() - began
        return MappingProxyType(seen)

    def _comparison(self) -> dict[str, Envelope]:
        timeline, branch = self._trainer.timeline, self.request.compared
        if branch is None or branch not in timeline.branches:
            return {}
        history = timeline.history(branch)
        return {name: drawn_small(history, name) for name in LOSS_CURVES}

    def _measure(self, exposure: _Exposure, generated: Floats, complete: bool) -> None:
        trainer, metric_sampler = self._trainer, self._metric_sampler
        iteration = trainer.iteration
        if not metric_sampler.due(
            iteration, generated, at_once=complete, at_rest=self._at_rest, seldom=exposure.picture_only
        ):
            return
        began = time.monotonic()
        samples, reference = (
            generated_as_drawn(trainer._session, SAMPLES, MEASURED).numpy(),
            real_as_drawn(trainer._session, SAMPLES, MEASURED).numpy(),
        )
        modes, modality, runner = trainer.source.modes, trainer.source.modality, self._runner
        session = trainer._session
        more = {**overfitting(session, MEASURED), **_decisiveness(session, samples, reference)}

        def figures() -> Mapping[str, float]:
            signs = modality.signs(samples, reference, modes)
            return {**evaluate_samples(modality, samples, reference, modes, MEASURED), **signs, **more}

        def floors() -> Mapping[str, float]:
            return runner.look(lambda: trainer.floors(SAMPLES, MEASURED))

        metric_sampler.measure(iteration, generated, figures, floors, time.monotonic() - began)

    def _measure_images(self, exposure: _Exposure, generated: Floats, complete: bool) -> None:
        """Measure images in another thread, unless a later moment has been measured already."""
        trainer, metric_sampler, look = self._trainer, self._metric_sampler, self._runner.look
        visible, iteration = exposure.visible, exposure.iteration
        with self._lock:
            if exposure.number < self._measured or exposure.kept is not self._kept:
                return
            bench = self._image_evaluator
            if bench is None or bench.asked is not trainer.features:
                if bench is not None:
                    metric_sampler.begin(measured_of(visible.run.state, trainer.features, {}))
                bench = self._image_evaluator = ImageEvaluator(trainer._session, look)
            at_once = complete and not metric_sampler.busy
            if not metric_sampler.due(
                iteration, generated, at_once=at_once, at_rest=self._at_rest, seldom=exposure.picture_only
            ):
                return
            self._measured = exposure.number
            samples = sampler(visible, MEASURED)
            fair = {} if visible.run.held_out is None else FAIR
            metric_sampler.measure(
                iteration,
                generated,
                lambda: {
                    **bench.figures(samples),
                    **overfitting(visible, MEASURED, look),
                    **_decisiveness(visible, generated, exposure.kept.fixed.real.numpy()),
                },
                lambda: {**bench.floors(), **fair},
                self.cost,
            )


def _metrics(values: Mapping[str, T]) -> dict[str, T]:
    """Return `values` without :data:`MEASURED_SIGNS`."""
    return {name: value for name, value in values.items() if name not in MEASURED_SIGNS}


def _decisiveness(visible: Visible, samples: Floats, reference: Floats) -> dict[str, float]:
    """Return :func:`~ganwidgets.runs.inspect.sampling.decisiveness` of the first `JUDGED` samples."""
    trained = visible.run.source.modality.trained
    made, real = (torch.from_numpy(trained(each[:JUDGED])) for each in (samples, reference))
    return decisiveness(visible, made, real)
