"""Frame requests and frames: the displayed values of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.live.frames.image_metrics import JudgedImages
from ganwidgets.live.frames.metric_sampler import Curve
from ganwidgets.live.frames.substep_frame import Inside
from ganwidgets.live.observations import Focus
from ganwidgets.live.worker.run_state import Status
from ganwidgets.modality import MODALITIES, Modality
from ganwidgets.rendering.plane.axes import UNNAMED, Axis
from ganwidgets.rendering.plane.projection import Extent
from ganwidgets.runs.record.envelope import Envelope
from ganwidgets.runs.timeline.branch_view import TimelineView

__all__ = ["Frame", "FrameRequest"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FrameRequest:
    """Content of frames.

    Attributes
    ----------
    pictures : int
        The number of images; rounded to full rows when the generator is conditional.
    wanted : frozenset of str
        The observations that frames carry, by name in :data:`ganwidgets.live.observations.OBSERVATIONS`; no others
        are computed.
    skipped : frozenset of str
        Observations of `wanted` that the next frame omits, because no panel draws them yet.
    focus : Focus
        Objects of detailed observations.
    label : int or None
        The label of all displayed samples, if the generator is conditional and the user chose one.
    compared : str or None
        The branch whose losses are added for comparison.
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
        Values of the last updates.
    kind : str
        Name of the kind of data.
    shape : tuple of int
        Shape of one sample.
    real : float32 array
        Points ``[M, F]`` in the units of training, M at most 500, the same for the whole run; or images ``[M, C, H, W]``
        in [0, 1].
    generated : float32 array
        In the same layout, always from the same latents. Points may be non-finite.
    labels : int64 array [M] or None
        Label of each sample, if the generator takes labels: the first ten labels repeated, so that a grid with as many
        columns has one column for each.
    extent : tuple of float or None
        ``x0, x1, y0, y1`` of the plane and the verdict, a square that is constant during the run.
    losses : mapping of str to Envelope
        The columns :data:`CURVES` of the history, at most 240 points each.
    metrics : mapping of str to (iterations, values)
        Each metric over time, at most 400 points each.
    floors : mapping of str to float
        Scores of perfect samples.
    latest_metrics : mapping of str to float
        The latest values; for images also the discriminator's accuracy in its last update.
    signs : mapping of str to float
        The latest values of :data:`~ganwidgets.metrics.interpretation.SIGNS` that are measured with the metrics.
    exact : bool
        True if the run repeats bit for bit.
    past : TimelineView
        The branches of the run, and their interventions.
    compared : mapping of str to Envelope
        The losses of the branch chosen for comparison; empty without one.
    seen : mapping of str to anything
        Results of the requested observations, by name in :data:`ganwidgets.live.observations.OBSERVATIONS`, if this
        kind of data has them.
    judged : JudgedImages or None
        Features and samples of image metrics; None for points, and until they are known.
    judged_by : str
        The choice of features for images, as `GANTrainer.features` takes it; ``own`` for a module of the user's,
        empty for points.
    trouble : str
        Why there are no image metrics; empty otherwise.
    inside : Inside or None
        The batch of the update in the current walk.
    classes : tuple of int
        Each label that the generator accepts, in ascending order; empty if it takes none.
    taken_as : str
        How a user's own data was read; translatable; empty for presets.
    axes : tuple of Axis
        Labels of the plane's axes, horizontal and vertical; points are drawn in the units of training.
    """

    iteration: int
    status: Status
    steps_per_second: float
    record: Mapping[str, float]
    kind: str
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
    def modality(self) -> Modality:
        """The kind of data."""
        return MODALITIES[self.kind]

    @property
    def verdict(self) -> Floats | None:
        """The discriminator's view of the plane in [0, 1], float32 ``[64, 64]``, 1 for real.

        Row 0 is the lowest y, column 0 the lowest x. None if not requested, and for points of other than two
        dimensions.
        """
        seen: Floats | None = self.seen.get("verdict")
        return seen
