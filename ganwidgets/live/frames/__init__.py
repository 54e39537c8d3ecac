"""Frames: copies of the displayed values of one moment, taken between two steps."""
