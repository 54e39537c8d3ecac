"""Displayed values of one moment of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ganwidgets.modality import MODALITIES, Modality
from ganwidgets.rendering.plane.axes import UNNAMED, Axis
from ganwidgets.rendering.plane.projection import Extent
from ganwidgets.runs.record.envelope import Envelope

__all__ = ["Shown", "Still"]

Floats = npt.NDArray[np.float32]


class Shown(Protocol):
    """Source of pictures: a :class:`Still`, or a frame of a live run."""

    @property
    def iteration(self) -> int:
        """Full steps since the start of the run."""

    @property
    def status(self) -> str:
        """Status of the run, or empty."""

    @property
    def modality(self) -> Modality:
        """The kind of data."""

    @property
    def real(self) -> Floats:
        """Real samples, in display units."""

    @property
    def generated(self) -> Floats:
        """As many generated samples."""

    @property
    def labels(self) -> npt.NDArray[np.int64] | None:
        """Label of each generated sample."""

    @property
    def verdict(self) -> Floats | None:
        """The discriminator's verdict over the plane."""

    @property
    def extent(self) -> Extent | None:
        """``x0, x1, y0, y1`` of the plane."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The plane's axes, horizontal and vertical."""

    @property
    def record(self) -> Mapping[str, float]:
        """Values of the last updates."""

    @property
    def losses(self) -> Mapping[str, Envelope]:
        """Columns of the history."""


@dataclass(frozen=True)
class Still:
    """One moment of a run, as copies; the attributes are those of :class:`Shown`."""

    iteration: int
    status: str
    kind: str
    real: Floats
    generated: Floats
    labels: npt.NDArray[np.int64] | None
    verdict: Floats | None
    extent: Extent | None
    record: Mapping[str, float]
    losses: Mapping[str, Envelope]
    axes: tuple[Axis, ...] = UNNAMED

    @property
    def modality(self) -> Modality:
        """The kind of data."""
        return MODALITIES[self.kind]
