"""Recompute one past update and inspect it."""
