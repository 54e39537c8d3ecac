"""A frame: everything that panels draw of one moment, as copies that training never touches.

Points need the networks for about a millisecond, and are looked at between two steps. For images that would take
ten times as long and more: between two steps only copies of the networks are made, and what these make of things
is computed in the thread that asks. Nobody asks, nothing is done.
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
from ganwidgets.metrics import evaluate_points
from ganwidgets.metrics.spread import point_signs
from ganwidgets.rendering.scene import CURVES, PICTURES, SEED, Scene, drawn_small, scene_of
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
from ganwidgets.runs.record.history import Envelope
from ganwidgets.runs.timeline.branch_view import TimelineView, TimelineViewer
from ganwidgets.stepping.ambient import pinned

if TYPE_CHECKING:
    from ganwidgets.stepping.assembly import Assembled

__all__ = ["Camera"]

Floats = npt.NDArray[np.float32]
T = TypeVar("T")

PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Processors that this process may use."""

BESIDE = 3
"""So many seconds of work beside the training count as one that it has to wait, where a processor is left for them."""

ROOM = 0.9
"""The share of a processor that the training gets at least, where one is left for others."""

PATIENCE = 20.0
"""Seconds for which a complete frame waits for figures of images, which may have to learn first."""

LOSS_CURVES = ("loss_d", "loss_g")

MEASURED_SIGNS = ("served", "extent", "logit_spread", "undecided")
"""What is measured with the metrics for the verdict, and is no metric."""

JUDGED = 500
"""Points of which D is asked for the verdict's signs, real and generated: about a millisecond."""


@dataclass(frozen=True)
class _Kept:
    """What stays the same for a whole run, and what remembers it."""

    run: Assembled
    fixed: Scene
    real: Floats
    pictures: int
    label: int | None
    observations: dict[str, Observation] = field(default_factory=dict)


@dataclass(frozen=True)
class _Exposure:
    """What one look between two steps brings back.

    Attributes
    ----------
    number : int
        Grows from one to the next.
    visible : Visible
        The run itself where it was looked at already, otherwise a likeness.
    developed : _Developed or None
        What the networks make of things, where the look included that.
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
    developed: _Developed | None = None


@dataclass(frozen=True)
class _Developed:
    """What the networks make of things."""

    generated: Floats
    seen: Mapping[str, Any]


class Camera:
    """Takes frames of the run that `runner` carries out.

    Parameters
    ----------
    runner : Runner
        The run.
    interval : float
        Seconds between two measurements of metrics at least.
    measured : callable
        Called, on some thread, when there are metrics that no frame has shown yet.

    Attributes
    ----------
    request : FrameRequest
        What the next frames show.
    cost : float
        Seconds for which the last frame kept the training waiting.
    burden : float
        Seconds that it is to be counted for, what it took beside the training included.
    costs : mapping of str to float
        For what was wanted: seconds of processor time that each took when it was taken last.
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

    def take(self, *, complete: bool = False, also: Collection[str] = ()) -> Frame:
        """Return how everything looks now.

        Parameters
        ----------
        also : collection of str
            What it is to carry beside what is wanted from all frames.
        complete : bool
            Wait for the metrics of this very moment, which takes some tens of milliseconds, the
            first time a few seconds; otherwise they are those of the last second or so.

        Raises
        ------
        Exception
            Whatever a network of the user's raises in eval mode.
        RuntimeError
            If it was to be complete on the runner's own thread, which would wait for itself.
        """
        if complete:
            self._runner.refuse_inside()
        seen = self._runner.look(lambda: self._timed(complete, also))
        scene, source = seen.kept.fixed, seen.kept.fixed.source
        try:
            developed = seen.developed or self._developed_aside(seen, complete, also)
        except Exception:
            if self._trainer._session.run is seen.kept.run:
                raise
            # A run began afresh meanwhile, on other data perhaps.
            return self.take(complete=complete, also=also)
        if complete:
            self._metric_sampler.settle(None if source.kind == "points" else PATIENCE)
        names = ("accuracy_real", "accuracy_fake") if source.kind == "images" else ()
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

    def _timed(self, complete: bool, also: Collection[str]) -> _Exposure:
        self._room.look()
        began = time.monotonic()
        exposure = self._expose(complete, also)
        self.cost = self.burden = time.monotonic() - began
        return exposure

    def _expose(self, complete: bool, also: Collection[str]) -> _Exposure:
        trainer = self._trainer
        kept = self._kept
        run = trainer._session.run
        asked = (self.request.pictures, self.request.label)
        if kept is None or kept.run is not run or (kept.pictures, kept.label) != asked:
            kept = self._begin(run, kept)
        points = kept.fixed.source.kind == "points"
        state = self._runner.state
        self._taken += 1
        self._metric_sampler.forget_from(trainer.iteration + 1)
        exposure = _Exposure(
            number=self._taken,
            kept=kept,
            visible=trainer._session if points else frozen_run_of(trainer._session),
            state=state,
            iteration=trainer.iteration,
            losses={name: drawn_small(trainer.history, name) for name in CURVES},
            exact=trainer.exact,
            past=self._timeline_viewer.now(),
            compared=self._comparison(),
            inside=None if state.walk is None else inside(trainer._session, state.walk, kept.fixed),
        )
        return replace(exposure, developed=self._develop(exposure, complete, also)) if points else exposure

    def _developed_aside(self, exposure: _Exposure, complete: bool, also: Collection[str]) -> _Developed:
        run = exposure.kept.run
        began = time.thread_time()
        with pinned(run.threads, run.state.device):
            developed = self._develop(exposure, complete, also)
        effort = (time.thread_time() - began) * run.threads
        share = self._room.share
        spare = run.state.device.type == "cpu" and run.threads < PROCESSORS and share > ROOM
        # Where the training gets a half of a processor, what is taken from it counts twice.
        self.burden = max(self.cost, effort / BESIDE) if spare else (self.cost + effort) / share
        return developed

    def _develop(self, exposure: _Exposure, complete: bool, also: Collection[str]) -> _Developed:
        """Return what the networks make of things, and measure it where that is due."""
        visible, scene = exposure.visible, exposure.kept.fixed
        sampled = generated_as_drawn(visible, len(scene.real), SEED, scene.labels)
        shown: Floats = np.array(sampled.numpy(), dtype=np.float32)
        if scene.source.kind == "images":
            self._measure_images(exposure, shown, complete)
            shown = np.nan_to_num(shown, nan=0.0).clip(0, 1)
        else:
            self._measure(shown, complete)
        return _Developed(shown, self._observe(exposure, sampled, also))

    def _begin(self, run: Assembled, before: _Kept | None) -> _Kept:
        """Look at the real samples, because a new run began or other pictures are asked for."""
        pictures, label = self.request.pictures, self.request.label
        fixed = scene_of(self._trainer._session, pictures, label)
        if before is None or before.run is not run:
            same_data = before is not None and before.fixed.source is fixed.source
            floors = self._metric_sampler.floors if same_data else {}
            by = self._trainer.features if fixed.source.kind == "images" else None
            self._metric_sampler.begin(measured_of(run.state, by, floors))
            self._image_evaluator = None
        self._kept = _Kept(run, fixed, fixed.real.numpy(), pictures, label)
        return self._kept

    def _observe(self, exposure: _Exposure, generated: Tensor, also: Collection[str]) -> Mapping[str, Any]:
        """Return what is wanted beside the samples, and forget what nobody wants any more."""
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
            if scene.source.kind in observation.kinds:
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

    def _measure(self, generated: Floats, complete: bool) -> None:
        trainer, metric_sampler = self._trainer, self._metric_sampler
        iteration = trainer.iteration
        if not metric_sampler.due(iteration, generated, at_once=complete):
            return
        began = time.monotonic()
        samples, reference = (
            generated_as_drawn(trainer._session, SAMPLES, MEASURED).numpy(),
            real_as_drawn(trainer._session, SAMPLES, MEASURED).numpy(),
        )
        modes, runner = trainer.source.modes, self._runner
        session = trainer._session
        told = {**overfitting(session, MEASURED), **_decisiveness(session, samples, reference)}

        def figures() -> Mapping[str, float]:
            signs = point_signs(samples, reference, modes)
            return {**evaluate_points(samples, reference, modes, MEASURED), **signs, **told}

        def floors() -> Mapping[str, float]:
            return runner.look(lambda: trainer.floors(SAMPLES, MEASURED))

        metric_sampler.measure(iteration, generated, figures, floors, time.monotonic() - began)

    def _measure_images(self, exposure: _Exposure, generated: Floats, complete: bool) -> None:
        """Measure images aside, unless a later moment has been measured already."""
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
            if not metric_sampler.due(iteration, generated, at_once=complete and not metric_sampler.busy):
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
                    **_decisiveness(visible, generated * 2 - 1, exposure.kept.real * 2 - 1),
                },
                lambda: {**bench.floors(), **fair},
                self.cost,
            )


def _metrics(values: Mapping[str, T]) -> dict[str, T]:
    """Return `values` without the signs."""
    return {name: value for name, value in values.items() if name not in MEASURED_SIGNS}


def _decisiveness(visible: Visible, samples: Floats, reference: Floats) -> dict[str, float]:
    """Return what :func:`~ganwidgets.runs.inspect.sampling.decisiveness` does, of the first samples."""
    return decisiveness(visible, torch.from_numpy(samples[:JUDGED]), torch.from_numpy(reference[:JUDGED]))
