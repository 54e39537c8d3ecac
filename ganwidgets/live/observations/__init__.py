"""What can be seen of one moment beside the samples themselves; each only where somebody wants it.

An observation is taken between two steps, or of a likeness of the run at any time, on copies, by networks in eval
mode and with generators of its own, so that it leaves no trace in the run. It is declared once, in :data:`OBSERVATIONS`, under the
name by which panels ask for it; what it returns is in :attr:`ganwidgets.live.Frame.seen` under that
name. It is made anew for each run, so that it may remember.
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
"""Every observation by its name: what makes one for a run."""
