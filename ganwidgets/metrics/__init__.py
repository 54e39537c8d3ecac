"""Metrics of generated samples: functions of arrays, independent of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from numpy.typing import ArrayLike

from ganwidgets.messages import Message
from ganwidgets.metrics.images import IMAGE_METRICS, evaluate_images
from ganwidgets.metrics.interpretation import Observed, Said, findings, verdict
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
from ganwidgets.metrics.registered import MetricFunction, own_figures, own_metrics, register
from ganwidgets.modality import MODALITIES, OVERFITTING, Metric, Modality
from ganwidgets.modality.checks import checked_figures
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
    "evaluate_samples",
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


class _ByKind(Mapping[str, Mapping[str, Metric]]):
    """The built-in and the registered metrics of each kind of data."""

    def __getitem__(self, kind: str) -> Mapping[str, Metric]:
        own = {name: metric for name, (metric, _) in own_metrics(kind).items()}
        return {**MODALITIES[kind].metrics, "overfitting": OVERFITTING, **own}

    def __iter__(self) -> Iterator[str]:
        return iter(MODALITIES)

    def __len__(self) -> int:
        return len(MODALITIES)


METRICS: Mapping[str, Mapping[str, Metric]] = _ByKind()
"""Description of each metric by name, for each kind of data, in display order."""


def register_metric(
    name: str,
    function: MetricFunction,
    *,
    kind: str | None = None,
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
    kind : str, optional
        Name of a kind of data; every kind if omitted.
    label : str
        Display name; `name` if omitted.
    better : {"higher", "lower"}
    format : str
        Format specification of the number.

    Raises
    ------
    ValueError
        If the name is taken, or if there is no such kind of data.
    TypeError
        If `function` is not callable.

    Examples
    --------
    >>> register_metric("mean_shift", lambda samples, real: abs(samples.mean() - real.mean()), kind="points")
    """
    if kind is not None and kind not in MODALITIES:
        raise ValueError(
            Message(
                "there is no kind of data {name!r}; choose one of {allowed}",
                name=kind,
                allowed=", ".join(MODALITIES),
            )
        )
    built_in = frozenset({"overfitting", *(name for each in MODALITIES.values() for name in each.metrics)})
    register(name, checked_callable("function", function), kind, built_in, label, better, format)


def evaluate_samples(
    modality: Modality, samples: ArrayLike, reference: ArrayLike, modes: Modes | None, seed: int
) -> dict[str, float]:
    """Return every metric of `samples` that needs no features: those of their kind, and the registered ones.

    Parameters
    ----------
    modality : Modality
        With :attr:`~ganwidgets.modality.Modality.evaluate`.
    samples, reference, modes, seed
        See :func:`evaluate_points`.
    """
    assert modality.evaluate is not None
    own = own_figures(modality.name, samples, reference)
    figures = checked_figures(modality, modality.evaluate(samples, reference, modes, seed))
    return {**figures, **own}
