"""Honest numbers for generated samples: NumPy arrays in, floats out, and nothing known of training."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .metric import Metric
from .points import (
    POINT_METRICS,
    Modes,
    captured_modes,
    evaluate_points,
    high_quality,
    jensen_shannon,
    plane_histogram,
    reverse_kl,
    sliced_wasserstein,
)

__all__ = [
    "METRICS",
    "Metric",
    "Modes",
    "captured_modes",
    "evaluate_points",
    "high_quality",
    "jensen_shannon",
    "plane_histogram",
    "reverse_kl",
    "sliced_wasserstein",
]

METRICS: Mapping[str, Metric] = MappingProxyType({**POINT_METRICS})
"""How each number is shown to people, by its name, in the order in which they see them."""
