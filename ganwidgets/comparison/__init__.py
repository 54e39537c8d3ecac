"""Runs beside each other: what differs between them, their curves, their samples, and which is better."""

from __future__ import annotations

from ganwidgets.comparison.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
