"""What is asked of a frame, and the frame: everything that panels draw of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ganwidgets.live.frames.image_metrics import JudgedImages
from ganwidgets.live.frames.metric_sampler import Curve
from ganwidgets.live.frames.substep_frame import Inside
from ganwidgets.live.observations import Focus
from ganwidgets.live.worker.run_state import Status
from ganwidgets.rendering.plane_axes import UNNAMED, Axis
from ganwidgets.rendering.projection import Extent
from ganwidgets.runs.record.history import Envelope
from ganwidgets.runs.timeline.branch_view import TimelineView

__all__ = ["Frame", "FrameRequest"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FrameRequest:
    """What frames show, and what they need not carry.

    Attributes
    ----------
    pictures : int
        The number of images; rounded to full rows when the generator is conditional.
    wanted : frozenset of str
        The observations that frames carry, by name in :data:`ganwidgets.live.observations.OBSERVATIONS`; no others
        are computed.
    skipped : frozenset of str
        Observations of `wanted` that the next frame does not carry, because nothing draws them yet.
    focus : Focus
        What the user looks at closely.
    label : int or None
        The only label of the samples shown, if the generator is conditional.
    compared : str or None
        The branch whose losses frames carry too.
    """

    pictures: int
    wanted: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    focus: Focus = field(default_factory=Focus)
    label: int | None = None
    compared: str | None = None


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
        Points ``[M, F]`` in the units of training, M at most 500, the same for the whole run; or images ``[M, C, H, W]``
        in [0, 1].
    generated : float32 array
        In the same layout, always from the same latents. May hold numbers that are not finite,
        where points are concerned.
    labels : int64 array [M] or None
        What the generator was told for each of them, where it takes labels; the first ten labels
        over and over, so that a grid of as many columns has one column for each.
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
    signs : mapping of str to float
        The newest of :data:`~ganwidgets.metrics.interpretation.SIGNS` that are measured with the metrics.
    exact : bool
        Whether the run repeats bit for bit.
    past : TimelineView
        The branches of the run, and what was changed on them.
    compared : mapping of str to Envelope
        The losses of the branch that is compared with this one; empty without one.
    seen : mapping of str to anything
        What else was wanted, by its name in :data:`ganwidgets.live.observations.OBSERVATIONS`, as far
        as this kind of data has it.
    judged : JudgedImages or None
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
    taken_as : str
        What was decided about a user's own data, to be translated; empty for presets.
    axes : tuple of Axis
        What the plane's axes say, across and up; points are drawn in the units of training.
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
    extent: Extent | None
    losses: Mapping[str, Envelope]
    metrics: Mapping[str, Curve]
    floors: Mapping[str, float]
    latest_metrics: Mapping[str, float]
    exact: bool
    past: TimelineView
    compared: Mapping[str, Envelope]
    signs: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    seen: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    judged: JudgedImages | None = None
    judged_by: str = ""
    trouble: str = ""
    inside: Inside | None = None
    classes: tuple[int, ...] = ()
    taken_as: str = ""
    axes: tuple[Axis, ...] = UNNAMED

    @property
    def verdict(self) -> Floats | None:
        """The discriminator's view of the plane in [0, 1], float32 ``[64, 64]``, 1 for real.

        Row 0 is the lowest y, column 0 the lowest x. None for points of other than two dimensions, and where it is
        not wanted.
        """
        seen: Floats | None = self.seen.get("verdict")
        return seen
