"""Metrics of generated samples: functions of arrays, independent of training."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

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
from ganwidgets.metrics.registered import MetricFunction, own_figures, register
from ganwidgets.validation import checked_callable

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
    "own_figures",
    "plane_histogram",
    "register_metric",
    "reverse_kl",
    "sliced_wasserstein",
    "verdict",
]

_METRICS: dict[str, dict[str, Metric]] = {
    "points": {**POINT_METRICS, "overfitting": OVERFITTING},
    "images": {**IMAGE_METRICS, "overfitting": OVERFITTING},
}

_BUILT_IN = frozenset({*_METRICS["points"], *_METRICS["images"]})

METRICS: Mapping[str, Mapping[str, Metric]] = MappingProxyType(
    {kind: MappingProxyType(metrics) for kind, metrics in _METRICS.items()}
)
"""Description of each metric by name, for each kind of data, in display order."""


def register_metric(
    name: str,
    function: MetricFunction,
    *,
    kind: Literal["points", "images"] | None = None,
    label: str = "",
    better: Literal["higher", "lower"] = "lower",
    format: str = ".3g",  # noqa: A002 - the name that Python gives it
) -> None:
    """Add a user's metric to :meth:`GANTrainer.evaluate` and to the widget's live curves.

    Parameters
    ----------
    name : str
        An identifier. A metric that was registered under this name before is replaced.
    function : callable
        ``function(samples, reference)`` returns a number. Both are arrays ``[n, ...]`` of generated and of real samples:
        points in the units of training, images in [0, 1].
    kind : {"points", "images"}, optional
        Kind of data; any if omitted.
    label : str
        Display name; `name` if omitted.
    better : {"higher", "lower"}
    format : str
        Format specification of the number.

    Raises
    ------
    ValueError
        If the name is taken.
    TypeError
        If `function` is not callable.

    Examples
    --------
    >>> register_metric("mean_shift", lambda samples, real: abs(samples.mean() - real.mean()), kind="points")
    """
    kinds = ("points", "images") if kind is None else (kind,)
    metric = register(name, checked_callable("function", function), kinds, _BUILT_IN, label, better, format)
    for each in kinds:
        _METRICS[each][name] = metric
