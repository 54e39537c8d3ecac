"""Runs of equal shapes, computed together in stacked tensors."""
