"""Findings on a run, and remedies."""
