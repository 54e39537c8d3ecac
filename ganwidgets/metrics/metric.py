"""What a metric says of itself, so that panels and tables need not know any by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganwidgets.messages import N_

__all__ = ["OVERFITTING", "Metric"]


@dataclass(frozen=True)
class Metric:
    """How one number is shown to people.

    Attributes
    ----------
    label : str
        A few words, shown beside the number; to be translated.
    help : str
        One sentence that a student understands; to be translated.
    better : {"higher", "lower"}
        Which way is better.
    format : str
        The format specification of the number, such as ``".3f"``.
    unit : str
        What the number counts, to be translated; empty for a pure number.
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
"""Of any data of which some is held out: shown beside the metrics of its kind."""
