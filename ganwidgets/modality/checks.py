"""Checks of a user's declaration of a kind of data, when it is registered and when data of that kind are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.modality.metric import Metric

if TYPE_CHECKING:
    from ganwidgets.modality.modality import Modality

__all__ = ["check_declaration", "check_drawn", "checked_figures"]

CHANNELS = {1, 3}
"""Channels of an image: grey, or RGB."""


def check_declaration(modality: Modality, on_features: Mapping[str, Metric]) -> None:
    """Raise unless a declaration is complete and of the right types.

    Parameters
    ----------
    modality : Modality
    on_features : mapping of str to Metric
        Metrics of kinds without `evaluate`.

    Raises
    ------
    TypeError
        If a function is none, or the metrics are no mapping of :class:`Metric`.
    ValueError
        If a value is not one of those that are allowed, or if parts contradict each other.
    """
    for part in ("recognizes", "shape_of", "units", "describe", "evaluate", "signs", "picture"):
        function = getattr(modality, part)
        if not callable(function) and not (function is None and part in {"units", "evaluate"}):
            raise TypeError(_wrong(modality, part, function, Message("a function")))
    _check_metrics(modality, on_features)
    allowed: Mapping[str, tuple[Callable[[Any], bool], Any]] = {
        "view": (lambda view: view in {"plane", "gallery"}, Message("'plane' or 'gallery'")),
        "options": (
            lambda options: set(options) <= {"value_range", "standardize"},
            Message("a set of 'value_range' and 'standardize'"),
        ),
        "stored": (
            lambda types: bool(types) and all(isinstance(each, torch.dtype) for each in types),
            Message("a set of types such as torch.float32"),
        ),
        "frame_rate": (lambda rate: 0 < rate < math.inf, Message("a number above 0")),
        "panel_share": (lambda share: 0 < share <= 1, Message("a number above 0 and at most 1")),
        "panel_pause": (lambda pause: 0 <= pause < math.inf, Message("a number of seconds from 0 on")),
    }
    for part, (fits, what) in allowed.items():
        value = getattr(modality, part)
        try:
            right = fits(value)
        except TypeError:
            right = False
        if not right:
            raise ValueError(_wrong(modality, part, value, what))


def _check_metrics(modality: Modality, on_features: Mapping[str, Metric]) -> None:
    metrics = modality.metrics
    if not isinstance(metrics, Mapping):
        raise TypeError(
            _wrong(modality, "metrics", metrics, Message("a dictionary of ganwidgets.metrics.Metric by name"))
        )
    for name, metric in metrics.items():
        if not isinstance(metric, Metric):
            raise TypeError(
                _wrong(
                    modality, f"metrics[{name!r}]", metric, Message("a Metric(label, help, better, format)")
                )
            )
        if metric.better not in {"higher", "lower"}:
            raise ValueError(
                _wrong(modality, f"metrics[{name!r}].better", metric.better, Message("'higher' or 'lower'"))
            )
    if modality.headline and modality.headline not in metrics:
        known = Message("one of its metrics: {known}", known=", ".join(metrics) or Message("none"))
        raise ValueError(_wrong(modality, "headline", modality.headline, known))
    if modality.evaluate is None and not metrics.keys() <= on_features.keys():
        raise ValueError(
            Message(
                "the kind of data {name!r} declares the metrics {metrics} and no evaluate to measure them; pass "
                "evaluate=function, or leave out metrics if the samples are images",
                name=modality.name,
                metrics=", ".join(metrics),
            )
        )


def _wrong(modality: Modality, part: str, value: Any, allowed: Message) -> Message:
    return Message(
        "{part} of the kind of data {name!r} cannot be {value}: it must be {allowed}",
        part=part,
        name=modality.name,
        value=repr(value)[:80],
        allowed=allowed,
    )


def check_drawn(modality: Modality, shape: tuple[int, ...]) -> None:
    """Raise `DataError` if samples of `shape` cannot be drawn or measured as `modality` declares it."""
    if modality.on_plane:
        if len(shape) != 1:
            raise DataError(
                Message(
                    "samples of the kind of data {name!r} have shape {shape}, and its view 'plane' draws (F,); pass "
                    "shape_of=lambda shape, what: (math.prod(shape),), or view='gallery'",
                    name=modality.name,
                    shape=shape,
                )
            )
        return
    drawn = np.shape(modality.picture(np.zeros((1, *shape), np.float32)))
    if len(drawn) != 4 or drawn[0] != 1 or drawn[1] not in CHANNELS:
        raise DataError(
            Message(
                "picture of the kind of data {name!r} makes {drawn} of one sample of shape {shape}; return images "
                "[1, C, H, W] with 1 or 3 channels, or declare view='plane'",
                name=modality.name,
                drawn=list(drawn),
                shape=shape,
            )
        )
    if modality.on_features and (len(shape) != 3 or shape[0] not in CHANNELS):
        raise DataError(
            Message(
                "samples of the kind of data {name!r} have shape {shape} and are no images, so that there are no "
                "features to measure them by; declare evaluate and metrics",
                name=modality.name,
                shape=shape,
            )
        )


def checked_figures(modality: Modality, figures: Any) -> dict[str, float]:
    """Return the result of :attr:`Modality.evaluate`; a metric that the data do not allow may be missing.

    Raises
    ------
    DataError
        If it is no mapping, or has a number that is no declared metric.
    """
    if isinstance(figures, Mapping) and figures.keys() <= modality.metrics.keys():
        return {name: float(value) for name, value in figures.items()}
    raise DataError(
        Message(
            "evaluate of the kind of data {name!r} returned {returned}; return a dictionary with a number for each of "
            "its metrics: {known}",
            name=modality.name,
            returned=", ".join(figures) if isinstance(figures, Mapping) else type(figures).__name__,
            known=", ".join(modality.metrics) or Message("none"),
        )
    )
