"""Compare runs: settings that differ, curves, samples, and a test which run is better."""

from __future__ import annotations

from ganwidgets.comparison.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
