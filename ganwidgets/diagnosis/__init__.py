"""Diagnosis of runs: findings with symptom, onset, evidence and remedies."""

from __future__ import annotations

from ganwidgets.diagnosis.diagnose import diagnose
from ganwidgets.diagnosis.finding import Evidence, Finding, Remedy
from ganwidgets.diagnosis.symptoms import SYMPTOMS

__all__ = ["SYMPTOMS", "Evidence", "Finding", "Remedy", "diagnose"]
