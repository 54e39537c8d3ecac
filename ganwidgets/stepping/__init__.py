"""Execution of one update, and the training state."""
