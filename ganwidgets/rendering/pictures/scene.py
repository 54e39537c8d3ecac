"""Constant content of all pictures of a run, and views of its present and past."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from ganwidgets.data import Source
from ganwidgets.rendering.pictures.moments import BetweenSteps, moments
from ganwidgets.rendering.pictures.snapshot_view import Still
from ganwidgets.rendering.plane.axes import Axis, axes_of
from ganwidgets.rendering.plane.grid import grid_on, square_around, verdict_on
from ganwidgets.rendering.plane.projection import Extent
from ganwidgets.runs.inspect.sampling import generated_by, judged_by, real_as_drawn
from ganwidgets.runs.record.columns import CLASSIC
from ganwidgets.runs.record.envelope import Envelope
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.past_networks import NetworkReplicas

__all__ = [
    "COLUMNS",
    "CURVES",
    "CURVE_POINTS",
    "PICTURES",
    "POINTS",
    "SEED",
    "Scene",
    "drawn_small",
    "scene_of",
    "still_of",
    "stills",
]

SEED = 0
"""Seed of the displayed samples."""

POINTS, PICTURES = 500, 25
"""Default number of displayed samples, points and images."""

COLUMNS, ROWS = 10, 3
"""Maximum number of displayed labels, and minimum number of images of each."""

CURVES = (*CLASSIC.listed, *CLASSIC.optional)
"""Columns of the history with curves."""

CURVE_POINTS = 240
"""Maximum number of points of a curve."""


@dataclass(frozen=True)
class Scene:
    """Constant content of a run's pictures.

    Attributes
    ----------
    source : Source
    real : Tensor [M, ...]
        In display units: images in [0, 1], points in training units.
    labels : Tensor or None
        int64 [M]; labels of the generated samples, if the generator takes labels: the first ten repeated, so that a
        grid with as many columns has one column for each; or one label, if the user chose it.
    extent : tuple of float or None
        ``x0, x1, y0, y1`` of the plane, for points of two dimensions.
    grid : Tensor or None
        See :func:`~ganwidgets.rendering.plane.grid.grid_on`.
    axes : tuple of Axis
        The plane's axes, horizontal and vertical.
    """

    source: Source
    real: Tensor
    labels: Tensor | None
    extent: Extent | None
    grid: Tensor | None
    axes: tuple[Axis, ...]


def scene_of(session: Session, pictures: int = PICTURES, label: int | None = None) -> Scene:
    """Return the scene of a run.

    Parameters
    ----------
    session : Session
    pictures : int
        Number of images; approximate if they have labels.
    label : int, optional
        The only label to show, if the generator takes it.
    """
    run = session.run
    source = run.source
    n = min(POINTS, source.size or POINTS) if source.modality.on_plane else pictures
    labels = None
    if run.labels is not None and run.labels.generator:
        known = run.labels.known
        columns = torch.tensor([label] if label in known else known[:COLUMNS])
        if not source.modality.on_plane and len(columns) > 1:
            n = len(columns) * max(ROWS, pictures // len(columns))
        labels = columns.repeat(math.ceil(n / len(columns)))[:n]
    shown = real_as_drawn(session, n, SEED)
    extent = grid = None
    if source.modality.on_plane and source.shape == (2,):
        extent = square_around(shown)
        grid = grid_on(extent)
    return Scene(source, shown, labels, extent, grid, axes_of(source))


def drawn_small(history: History, name: str) -> Envelope:
    """Return a column of the history as a curve, as copies."""
    iterations, low, mean, high = history.envelope(name, CURVE_POINTS)
    return iterations.copy(), low.copy(), mean.copy(), high.copy()


def still_of(session: Session, scene: Scene) -> Still:
    """Return the present; call this between two steps."""
    session.roll_back()
    state, history = session.state, session.history
    return _still(
        session,
        scene,
        state.networks["generator"],
        state.networks["discriminator"],
        state.iteration,
        history,
        session.record(),
    )


def stills(session: Session, on_training_thread: BetweenSteps, scene: Scene, most: int) -> Iterator[Still]:
    """Yield past moments at the run's snapshots, and the present.

    Parameters
    ----------
    session : Session
    on_training_thread : BetweenSteps
        Called for one moment at a time; training goes on meanwhile.
    scene : Scene
    most : int
        Maximum number of moments, evenly spread over the snapshots.
    """
    now = partial(still_of, session, scene)
    return moments(session, on_training_thread, most, now, partial(_still_then, session, scene))


def _still_then(session: Session, scene: Scene, replicas: NetworkReplicas, snapshot: Snapshot) -> Still:
    iteration = snapshot.place.iteration
    history = session.history.until(iteration)
    return _still(
        session, scene, replicas.generator, replicas.discriminator, iteration, history, history.record()
    )


def _still(
    session: Session,
    scene: Scene,
    generator: nn.Module,
    discriminator: nn.Module,
    iteration: int,
    history: History,
    record: dict[str, float],
) -> Still:
    generated = generated_by(session, generator, len(scene.real), SEED, scene.labels)
    verdict = None
    if scene.grid is not None:
        judge = partial(judged_by, session, discriminator)
        verdict = verdict_on(scene.grid, scene.real, generated, session.loss, judge)
    modality = scene.source.modality
    return Still(
        iteration=iteration,
        status="",
        kind=scene.source.kind,
        real=modality.picture(np.array(scene.real.numpy())),
        generated=modality.picture(np.array(generated.numpy())),
        labels=None if scene.labels is None else scene.labels.numpy(),
        verdict=verdict,
        extent=scene.extent,
        axes=scene.axes,
        record=record,
        losses={name: drawn_small(history, name) for name in CURVES},
    )
