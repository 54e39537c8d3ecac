"""Honest numbers for generated samples: arrays in, floats out, and nothing known of training."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ganwidgets.metrics.images import IMAGE_METRICS, evaluate_images
from ganwidgets.metrics.interpretation import Observed, Said, findings, verdict
from ganwidgets.metrics.metric import OVERFITTING, Metric
from ganwidgets.metrics.points import (
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
    "IMAGE_METRICS",
    "METRICS",
    "POINT_METRICS",
    "Metric",
    "Modes",
    "Observed",
    "Said",
    "captured_modes",
    "evaluate_images",
    "evaluate_points",
    "findings",
    "high_quality",
    "jensen_shannon",
    "plane_histogram",
    "reverse_kl",
    "sliced_wasserstein",
    "verdict",
]

METRICS: Mapping[str, Mapping[str, Metric]] = MappingProxyType(
    {
        kind: MappingProxyType({**own, "overfitting": OVERFITTING})
        for kind, own in (("points", POINT_METRICS), ("images", IMAGE_METRICS))
    }
)
"""For each kind of data, how each number is shown to people, by its name, in the order in which they see them."""
