"""Colours, phrases and ticks: what every picture of a run has in common."""
