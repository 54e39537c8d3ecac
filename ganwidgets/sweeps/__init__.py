"""Sweeps over settings: many runs, computed together in lanes if their shapes are equal."""
