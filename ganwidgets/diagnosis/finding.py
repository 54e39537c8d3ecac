"""What a diagnosis consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

__all__ = ["Evidence", "Finding", "Remedy"]


@dataclass(frozen=True)
class Evidence:
    """The signal that a finding follows from.

    Attributes
    ----------
    signal : str
        Name of the signal; see :data:`ganwidgets.diagnosis.signals.SIGNALS`.
    label : str
        In words, to be translated.
    iterations : tuple of int
        Where the signal was measured, ascending.
    values : tuple of float
        The signal there.
    threshold : float
        The bound that the signal crossed.
    above : bool
        True if values above the threshold are ill, False if values below it are.
    source : str
        Where signal and threshold come from.
    """

    signal: str
    label: str
    iterations: tuple[int, ...]
    values: tuple[float, ...]
    threshold: float
    above: bool
    source: str

    @property
    def value(self) -> float:
        """The newest value."""
        return self.values[-1]

    def __str__(self) -> str:
        relation = ">" if self.above else "<"
        return f"{self.label}: {self.value:.3g} {relation} {self.threshold:.3g}"


@dataclass(frozen=True)
class Remedy:
    """A change that may help; whether it does, only a comparison of two futures shows.

    Attributes
    ----------
    label : str
        In words, to be translated.
    changes : mapping of str to Any
        New values of settings. Empty if the remedy is no change of settings.
    fresh_start : bool
        True if the settings are in force only after `reset`.
    """

    label: str
    changes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    fresh_start: bool = False


@dataclass(frozen=True)
class Finding:
    """One symptom of a run.

    Attributes
    ----------
    symptom : str
        One of :data:`ganwidgets.diagnosis.SYMPTOMS`.
    severity : float
        From 0 to 1: distance of the signal from its threshold as a share of its distance from the worst value.
    since : int
        The first iteration from which on every measured value was ill.
    evidence : Evidence
    remedies : tuple of Remedy
        The best first.
    sentence : str
        What a user should know, in English, to be translated.
    """

    symptom: str
    severity: float
    since: int
    evidence: Evidence
    remedies: tuple[Remedy, ...]
    sentence: str = ""

    def __str__(self) -> str:
        return f"{self.symptom} since iteration {self.since} ({self.evidence})"
