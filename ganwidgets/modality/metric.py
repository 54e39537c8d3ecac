"""Description of a metric for panels and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganwidgets.messages import N_

__all__ = ["OVERFITTING", "Metric"]


@dataclass(frozen=True)
class Metric:
    """Description of a metric.

    Attributes
    ----------
    label : str
        Display name; translatable.
    help : str
        One sentence for students; translatable.
    better : {"higher", "lower"}
        The better direction.
    format : str
        The format specification of the number, such as ``".3f"``.
    unit : str
        Unit of the number, translatable; empty for a pure number.
    """

    label: str
    help: str
    better: Literal["higher", "lower"]
    format: str
    unit: str = ""


OVERFITTING = Metric(
    label=N_("D learns by heart"),
    help=N_(
        "How often the discriminator finds a sample that it was trained on more real than one that it never saw: 50 % is fair, 100 % means that it knows the data by heart."
    ),
    better="lower",
    format=".0%",
)
"""Metrics of all data with held-out samples, besides those of its kind."""
