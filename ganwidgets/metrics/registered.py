"""Registered metrics of the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from ganwidgets.messages import N_
from ganwidgets.metrics.metric import Metric
from ganwidgets.settings.registered_names import checked_name

__all__ = ["OWN_METRICS", "MetricFunction", "own_figures", "register"]

Floats = npt.NDArray[np.float32]

MetricFunction = Callable[[Floats, Floats], float]
"""``f(samples, reference)`` returns a number for generated and real samples, both ``[n, ...]``."""

OWN_METRICS: dict[str, dict[str, tuple[Metric, MetricFunction]]] = {"points": {}, "images": {}}
"""Metrics by kind of data and name."""


def own_figures(kind: str, samples: npt.ArrayLike, reference: npt.ArrayLike) -> dict[str, float]:
    """Return every registered metric for data of `kind`."""
    return {
        name: float(function(np.asarray(samples), np.asarray(reference)))
        for name, (_, function) in OWN_METRICS[kind].items()
    }


def register(
    name: str,
    function: MetricFunction,
    kinds: tuple[str, ...],
    built_in: frozenset[str],
    label: str,
    better: Literal["higher", "lower"],
    format: str,  # noqa: A002 - as in Metric
) -> Metric:
    """Register a metric for data of `kinds`; return its description."""
    name = checked_name(name, N_("metric"), built_in)
    metric = Metric(label or name, label or name, better, format)
    for kind in kinds:
        OWN_METRICS[kind][name] = metric, function
    return metric
