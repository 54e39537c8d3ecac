"""Storage of a run in one file."""
