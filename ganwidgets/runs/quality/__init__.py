"""Evaluation of a run's samples."""
