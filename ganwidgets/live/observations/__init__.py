"""Observations of one moment besides the samples, each computed only on request.

An observation is taken between two steps, or later from copies of the networks. It uses networks in eval mode and its
own generators, so it does not change the run. :data:`OBSERVATIONS` declares each under the name by which panels request
it. :attr:`ganwidgets.live.Frame.seen` has its result under that name. Each run has new observation objects, so that
they may cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ganwidgets.live.observations.discriminator import (
    CloseUp,
    GradientField,
    Gradients,
    Scores,
    VerdictMap,
    Verdicts,
    ZoomedVerdict,
    references,
)
from ganwidgets.live.observations.generator import Crowd, Density, Latents, Manifold, ManifoldGrid, NoisePlane
from ganwidgets.live.observations.moment import TRAIL, Focus, Moment, Observation
from ganwidgets.live.observations.scales import ScaleReader, Scales
from ganwidgets.live.observations.trails import Trail, TrailRecorder

__all__ = [
    "OBSERVATIONS",
    "TRAIL",
    "CloseUp",
    "Crowd",
    "Focus",
    "Gradients",
    "Manifold",
    "Moment",
    "Observation",
    "Scales",
    "Scores",
    "Trail",
    "references",
]

OBSERVATIONS: Mapping[str, Callable[[], Observation]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Latents,
            Verdicts,
            VerdictMap,
            ZoomedVerdict,
            GradientField,
            ManifoldGrid,
            TrailRecorder,
            Density,
            NoisePlane,
            ScaleReader,
        )
    }
)
"""Factory of every observation by name."""
