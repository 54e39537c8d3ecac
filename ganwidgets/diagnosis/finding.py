"""Findings, their evidence and remedies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

__all__ = ["Evidence", "Finding", "Remedy", "gravest"]


@dataclass(frozen=True)
class Evidence:
    """The signal that supports a finding.

    Attributes
    ----------
    signal : str
        Name of the signal; see :data:`ganwidgets.diagnosis.signals.SIGNALS`.
    label : str
        Description; translatable.
    iterations : tuple of int
        Iterations of the measurements, ascending.
    values : tuple of float
        Values of the signal.
    threshold : float
        The bound that the signal crossed.
    above : bool
        True if values above the threshold are bad, False if values below it are.
    source : str
        Source of signal and threshold.
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
        """The latest value."""
        return self.values[-1]

    def __str__(self) -> str:
        relation = ">" if self.above else "<"
        return f"{self.label}: {self.value:.3g} {relation} {self.threshold:.3g}"


@dataclass(frozen=True)
class Remedy:
    """A change that may help; a what-if shows whether it does.

    Attributes
    ----------
    label : str
        Description; translatable.
    changes : mapping of str to Any
        New values of settings. Empty if the remedy is no change of settings.
    fresh_start : bool
        True if the settings take effect only after `reset`.
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
        From 0 to 1: (value - threshold) / (worst value - threshold).
    since : int
        The first iteration from which on every measured value was bad.
    evidence : Evidence
    remedies : tuple of Remedy
        Best first.
    sentence : str
        Message for the user, in English; translatable.
    """

    symptom: str
    severity: float
    since: int
    evidence: Evidence
    remedies: tuple[Remedy, ...]
    sentence: str = ""

    def __str__(self) -> str:
        return f"{self.symptom} since iteration {self.since} ({self.evidence})"


def gravest(findings: Iterable[Finding]) -> list[Finding]:
    """Return the most severe finding of each symptom, the most severe first; of equals, the first."""
    kept: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda finding: -finding.severity):
        kept.setdefault(finding.symptom, finding)
    return list(kept.values())
