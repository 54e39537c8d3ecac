"""Frames: what a view of the run shows of one moment, taken between two steps."""
