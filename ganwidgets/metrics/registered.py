"""Registered metrics of the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ganwidgets.messages import Message, N_
from ganwidgets.modality.metric import Metric
from ganwidgets.settings.registered_names import checked_name

__all__ = ["MetricFunction", "own_figures", "own_metrics", "register"]

Floats = npt.NDArray[np.float32]

MetricFunction = Callable[[Floats, Floats], float]
"""``f(samples, reference)`` returns a number for generated and real samples, both ``[n, ...]``."""

OWN_METRICS: dict[tuple[str, str | None], tuple[Metric, MetricFunction]] = {}
"""Registered metrics by name and kind of data; the kind None is every kind."""


def own_figures(kind: str, samples: npt.ArrayLike, reference: npt.ArrayLike) -> dict[str, float]:
    """Return every registered metric for data of `kind`.

    Raises
    ------
    RuntimeError
        If the function of a metric fails. It names the metric.
    TypeError
        If it does not return a number.
    """
    made, real = np.asarray(samples), np.asarray(reference)
    return {
        name: _number(name, _measured(name, function, made, real))
        for name, (_, function) in own_metrics(kind).items()
    }


def _measured(name: str, function: MetricFunction, samples: Floats, reference: Floats) -> Any:
    """Return what the metric's function returns for its own copies, because it may write into them."""
    try:
        return function(samples.copy(), reference.copy())
    except Exception as error:
        raise RuntimeError(
            Message(
                "the metric {name!r} failed: {error}; it is called as function(samples, reference), with arrays of shape "
                "{samples} and {reference}",
                name=name,
                error=f"{type(error).__name__}: {error}",
                samples=samples.shape,
                reference=reference.shape,
            )
        ) from error


def _number(name: str, value: Any) -> float:
    """Return what the metric `name` returned, as a number."""
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            Message(
                "the metric {name!r} returned {value}; its function must return one number",
                name=name,
                value=repr(value)[:80],
            )
        ) from error


def own_metrics(kind: str) -> dict[str, tuple[Metric, MetricFunction]]:
    """Return the metrics of the user's own for data of `kind`, by name, with their functions."""
    return {name: metric for (name, of), metric in OWN_METRICS.items() if of in {None, kind}}


def register(
    name: str,
    function: MetricFunction,
    kind: str | None,
    built_in: frozenset[str],
    label: str,
    better: Literal["higher", "lower"],
    format: str,  # noqa: A002 - as in Metric
) -> None:
    """Register a metric for data of `kind`; None: of every kind."""
    name = checked_name(name, N_("metric"), built_in)
    if better not in {"higher", "lower"}:
        raise ValueError(Message("better cannot be {value!r}; choose higher or lower", value=better))
    try:
        f"{0.5:{format}}"
    except (ValueError, TypeError) as error:
        raise ValueError(
            Message("format cannot be {value!r}; pass a format of numbers, such as '.3g'", value=format)
        ) from error
    metric = Metric(label or name, label or name, better, format)
    for known in list(OWN_METRICS) if kind is None else ():
        if known[0] == name:
            del OWN_METRICS[known]
    OWN_METRICS[name, kind] = metric, function
