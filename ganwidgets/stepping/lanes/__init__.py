"""Runs of equal shapes, computed together: one tensor of each kind for all lanes."""
