"""Observation of the resolutions of progressive and MSG-GAN networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ganwidgets.live.observations.moment import Moment
from ganwidgets.modality import View
from ganwidgets.networks.msg import AtlasGenerator, MultiScaleGenerator, unpacked
from ganwidgets.networks.progressive import GrowingNetwork

__all__ = ["ScaleReader", "Scales"]

Floats = npt.NDArray[np.float32]

SHOWN = 8
"""Number of samples of each resolution."""


@dataclass(frozen=True)
class Scales:
    """The resolutions of a generator, the coarsest first.

    Attributes
    ----------
    sides : tuple of int
        In pixels.
    level : float or None
        Current number of doublings, for a progressive network; the fraction is the share of the next resolution.
    images : tuple of float32 array [n, C, side, side]
        The same samples at each resolution, in [0, 1]; empty for a progressive network.
    """

    sides: tuple[int, ...]
    level: float | None
    images: tuple[Floats, ...] = ()

    def share(self, number: int) -> float:
        """Return the weight of the resolution `number`, in [0, 1]."""
        return 1.0 if self.level is None else min(max(self.level - number + 1, 0.0), 1.0)


class ScaleReader:
    """Observation: the resolutions of a run's networks, as :class:`Scales`; None for networks with one resolution."""

    name: ClassVar[str] = "scales"
    views: ClassVar[frozenset[View]] = frozenset({"gallery"})

    def take(self, moment: Moment) -> Scales | None:
        """Return the resolutions."""
        run = moment.session.run
        generator = run.state.networks["generator"]
        if isinstance(generator, GrowingNetwork):
            sides = tuple(generator.start << number for number in range(generator.levels))
            return Scales(sides, float(generator.level))
        if not isinstance(generator, MultiScaleGenerator):
            return None
        noise = moment.latents[:SHOWN]
        labels = None if moment.labels is None else moment.labels[:SHOWN]
        packed = run.shown(run.generate(AtlasGenerator(generator), noise, 0, labels))
        images = [moment.drawn(scale) for scale in reversed(unpacked(packed, generator.levels))]
        return Scales(tuple(scale.shape[2] for scale in images), None, tuple(images))
