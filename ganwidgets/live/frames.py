"""A frame: everything that panels draw of one moment, as copies that training never touches.

Whatever needs the networks is done in one look between two steps, about a millisecond for the
default run; the rest happens in the thread that asks, or beside it. Nobody asks, nothing is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ..metrics import evaluate_points
from ..pictures.plane import verdict_on
from ..pictures.projection import Extent
from ..pictures.scene import CURVES, PICTURES, SEED, Scene, drawn_small, scene_of
from ..runs.evaluation import FAIR
from ..runs.history import Envelope
from ..runs.looking import overfitting, sampler
from ..runs.past import Chronicle, Past
from .bench import Bench, Judged
from .inside import Inside, inside
from .measuring import SAMPLES, Curve, Gauge
from .measuring import SEED as MEASURED
from .observations import OBSERVATIONS, Moment, Observation
from .runner import Runner
from .state import RunState, Status

if TYPE_CHECKING:
    from ..stepping.run import Run

__all__ = ["Camera", "Frame"]

Floats = npt.NDArray[np.float32]

PATIENCE = 20.0
"""Seconds for which a complete frame waits for figures of images, which may have to learn first."""

LOSS_CURVES = ("loss_d", "loss_g")


@dataclass(frozen=True)
class Frame:
    """One moment of a run.

    Attributes
    ----------
    iteration : int
        Full steps since the start of the run.
    status : str
        See :class:`~ganwidgets.live.RunState`.
    steps_per_second : float
    record : mapping of str to float
        The numbers of the last updates.
    kind : {"points", "images"}
    shape : tuple of int
        Of one sample.
    real : float32 array
        Points ``[M, F]``, M at most 500, the same for the whole run; or images ``[M, C, H, W]``
        in [0, 1].
    generated : float32 array
        In the same layout, always from the same latents. May hold numbers that are not finite,
        where points are concerned.
    labels : int64 array [M] or None
        What the generator was told for each of them, where it takes labels; the first ten labels
        over and over, so that a grid of as many columns has one column for each.
    verdict : float32 array [64, 64] or None
        The discriminator's view of the plane in [0, 1], 1 for real; row 0 is the lowest y, column
        0 the lowest x. Only for points of two dimensions.
    extent : tuple of float or None
        ``x0, x1, y0, y1`` of the plane and the verdict, a square that stays for the whole run.
    losses : mapping of str to Envelope
        The columns :data:`CURVES` of the history, at most 240 points each.
    metrics : mapping of str to (iterations, values)
        Each metric over time, at most 400 points each.
    floors : mapping of str to float
        What perfect samples score.
    latest_metrics : mapping of str to float
        The newest values; for images the discriminator's accuracy in its last update too.
    exact : bool
        Whether the run repeats bit for bit.
    past : Past
        The branches of the run, and what was changed on them.
    compared : mapping of str to Envelope
        The losses of the branch that is compared with this one; empty without one.
    seen : mapping of str to anything
        What else was wanted, by its name in :data:`ganwidgets.live.observations.OBSERVATIONS`, as far
        as this kind of data has it.
    judged : Judged or None
        What figures of images were measured on; None for points, and until that is known.
    judged_by : str
        The choice of features for images, as `GANTrainer.features` takes it; ``own`` for a module of the user's,
        empty for points.
    trouble : str
        Why there are no figures of images; empty where there are, or will be.
    inside : Inside or None
        The batch of the update that somebody walks through.
    classes : tuple of int
        Each label that the generator can be told, in ascending order; none where it takes none.
    """

    iteration: int
    status: Status
    steps_per_second: float
    record: Mapping[str, float]
    kind: Literal["points", "images"]
    shape: tuple[int, ...]
    real: Floats
    generated: Floats
    labels: npt.NDArray[np.int64] | None
    verdict: Floats | None
    extent: Extent | None
    losses: Mapping[str, Envelope]
    metrics: Mapping[str, Curve]
    floors: Mapping[str, float]
    latest_metrics: Mapping[str, float]
    exact: bool
    past: Past
    compared: Mapping[str, Envelope]
    seen: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    judged: Judged | None = None
    judged_by: str = ""
    trouble: str = ""
    inside: Inside | None = None
    classes: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Kept:
    """What stays the same for a whole run, and what remembers it."""

    run: Run
    fixed: Scene
    pictures: int
    label: int | None
    observations: dict[str, Observation] = field(default_factory=dict)


@dataclass(frozen=True)
class _Exposure:
    """What one look between two steps brings back."""

    state: RunState
    scene: Scene
    generated: Floats
    verdict: Floats | None
    losses: dict[str, Envelope]
    exact: bool
    past: Past
    compared: dict[str, Envelope]
    seen: Mapping[str, Any]
    inside: Inside | None
    classes: tuple[int, ...]


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
    compared : str or None
        The branch whose losses frames carry too.
    wanted : frozenset of str
        What else frames are to carry, by its name in
        :data:`ganwidgets.live.observations.OBSERVATIONS`; nothing else is computed.
    skipped : frozenset of str
        What of that the next frame need not carry, because nobody draws it yet.
    pictures : int
        How many images frames show; with labels about so many.
    label : int or None
        The only label that frames show samples of, where the generator takes labels.
    cost : float
        Seconds for which the last frame kept the training waiting.
    """

    def __init__(
        self, runner: Runner, *, interval: float = 1.0, measured: Callable[[], None] = lambda: None
    ) -> None:
        self.compared: str | None = None
        self.wanted: frozenset[str] = frozenset()
        self.skipped: frozenset[str] = frozenset()
        self.pictures = PICTURES
        self.label: int | None = None
        self.cost = 0.0
        self._runner = runner
        self._trainer = runner.trainer
        self._chronicle = Chronicle(runner.trainer._session)
        self._gauge = Gauge(interval, measured=measured, watched=lambda: not runner.closed)
        self._bench: Bench | None = None
        self._kept: _Kept | None = None

    def take(self, *, complete: bool = False) -> Frame:
        """Return how everything looks now.

        Parameters
        ----------
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
        seen = self._runner.look(lambda: self._timed(complete))
        source = seen.scene.source
        if complete:
            self._gauge.settle(None if source.kind == "points" else PATIENCE)
        names = ("accuracy_real", "accuracy_fake") if source.kind == "images" else ()
        accuracies = {name: seen.state.record[name] for name in names if name in seen.state.record}
        return Frame(
            iteration=seen.state.iteration,
            status=seen.state.status,
            steps_per_second=seen.state.steps_per_second,
            record=seen.state.record,
            kind=source.kind,
            shape=source.shape,
            real=seen.scene.real.numpy(),
            generated=seen.generated,
            labels=None if seen.scene.labels is None else seen.scene.labels.numpy(),
            verdict=seen.verdict,
            extent=seen.scene.extent,
            losses=seen.losses,
            metrics=self._gauge.curves,
            floors=self._gauge.floors,
            latest_metrics={**accuracies, **self._gauge.latest},
            exact=seen.exact,
            past=seen.past,
            compared=seen.compared,
            seen=seen.seen,
            judged=None if self._bench is None else self._bench.judged,
            judged_by="" if self._bench is None else self._bench.called,
            trouble=self._gauge.trouble,
            inside=seen.inside,
            classes=seen.classes,
        )

    # --- between two steps ----------------------------------------------------------------------

    def _timed(self, complete: bool) -> _Exposure:
        began = time.monotonic()
        exposure = self._expose(complete)
        self.cost = time.monotonic() - began
        return exposure

    def _expose(self, complete: bool) -> _Exposure:
        trainer = self._trainer
        kept = self._kept
        run = trainer._session.run
        asked = (self.pictures, self.label)
        if kept is None or kept.run is not run or (kept.pictures, kept.label) != asked:
            kept = self._begin(run, kept)
        scene = kept.fixed
        sampled = trainer.sample(len(scene.real), seed=SEED, labels=scene.labels)
        generated: Floats = np.array(sampled.numpy(), dtype=np.float32)
        if scene.source.kind == "images":
            self._measure_images(generated, complete)
            generated = np.nan_to_num(generated, nan=0.0).clip(0, 1)
        else:
            self._measure(generated, complete)
        state, past = self._runner.state, self._chronicle.now()
        return _Exposure(
            state=state,
            scene=scene,
            generated=generated,
            verdict=self._verdict(scene, sampled),
            losses={name: drawn_small(trainer.history, name) for name in CURVES},
            exact=trainer.exact,
            past=past,
            compared=self._comparison(),
            seen=self._observe(kept, sampled, state, past),
            inside=None if state.walk is None else inside(trainer._session, state.walk, scene),
            classes=() if scene.labels is None or run.labels is None else run.labels.known,
        )

    def _begin(self, run: Run, before: _Kept | None) -> _Kept:
        """Look at the real samples, because a new run began or other pictures are asked for."""
        fixed = scene_of(self._trainer._session, self.pictures, self.label)
        if before is None or before.run is not run:
            same_data = before is not None and before.fixed.source is fixed.source
            self._gauge.begin(keep_floors=same_data)
            self._bench = None
        self._kept = _Kept(run, fixed, self.pictures, self.label)
        return self._kept

    def _observe(self, kept: _Kept, generated: Tensor, state: RunState, past: Past) -> Mapping[str, Any]:
        """Return what is wanted beside the samples, and forget what nobody wants any more."""
        known, wanted, scene = kept.observations, self.wanted, kept.fixed
        for name in known.keys() - wanted:
            del known[name]
        moment = Moment(
            self._trainer._session,
            SEED,
            scene.real,
            generated,
            scene.labels,
            iteration=self._trainer.iteration,
            branch=past.branch,
            moves=state.moves,
        )
        seen = {}
        for name in wanted - self.skipped:
            if name not in known:
                known[name] = OBSERVATIONS[name]()
            if scene.source.kind in known[name].kinds:
                seen[name] = known[name].take(moment)
        return MappingProxyType(seen)

    def _comparison(self) -> dict[str, Envelope]:
        timeline, branch = self._trainer.timeline, self.compared
        if branch is None or branch not in timeline.branches:
            return {}
        history = timeline.history(branch)
        return {name: drawn_small(history, name) for name in LOSS_CURVES}

    def _verdict(self, scene: Scene, generated: Tensor) -> Floats | None:
        if scene.grid is None:
            return None
        trainer = self._trainer
        return verdict_on(scene.grid, scene.real, generated, trainer._session.game, trainer._look)

    def _measure(self, generated: Floats, complete: bool) -> None:
        trainer, gauge = self._trainer, self._gauge
        iteration = trainer.iteration
        gauge.forget_from(iteration + 1)
        if not gauge.due(iteration, generated, at_once=complete):
            return
        began = time.monotonic()
        samples, reference = (
            trainer.sample(SAMPLES, MEASURED).numpy(),
            trainer.real(SAMPLES, MEASURED).numpy(),
        )
        modes, runner = trainer.source.modes, self._runner
        by_heart = overfitting(trainer._session, MEASURED)

        def figures() -> Mapping[str, float]:
            return {**evaluate_points(samples, reference, modes, MEASURED), **by_heart}

        def floors() -> Mapping[str, float]:
            return runner.look(lambda: trainer.floors(SAMPLES, MEASURED))

        gauge.measure(iteration, generated, figures, floors, time.monotonic() - began)

    def _measure_images(self, generated: Floats, complete: bool) -> None:
        """Measure images aside; only copying the generator is done here."""
        trainer, gauge, bench = self._trainer, self._gauge, self._bench
        iteration = trainer.iteration
        gauge.forget_from(iteration + 1)
        if bench is None or bench.asked is not trainer.features:
            if bench is not None:
                gauge.begin()
            bench = self._bench = Bench(trainer._session, self._runner.look)
        if not gauge.due(iteration, generated, at_once=complete and not gauge.busy):
            return
        began = time.monotonic()
        samples, by_heart = sampler(trainer._session, MEASURED), overfitting(trainer._session, MEASURED)
        cost = time.monotonic() - began
        fair = FAIR if by_heart else {}
        gauge.measure(
            iteration,
            generated,
            lambda: {**bench.figures(samples), **by_heart},
            lambda: {**bench.floors(), **fair},
            cost,
        )
