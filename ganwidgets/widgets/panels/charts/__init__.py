"""Curves of losses and metrics, and the metrics as numbers."""
