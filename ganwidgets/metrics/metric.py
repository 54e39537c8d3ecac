"""What a metric says of itself, so that panels and tables need not know any by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Metric"]


@dataclass(frozen=True)
class Metric:
    """How one number is shown to people.

    Attributes
    ----------
    label : str
        A few words, shown beside the number; to be translated.
    help : str
        One sentence that a student understands; to be translated.
    unit : str
        What the number counts, to be translated; empty for a pure number.
    better : {"higher", "lower"}
        Which way is better.
    format : str
        The format specification of the number, such as ``".3f"``.
    """

    label: str
    help: str
    unit: str
    better: Literal["higher", "lower"]
    format: str
