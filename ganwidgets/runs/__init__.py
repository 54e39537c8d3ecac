"""What is kept of a run: its history, the interventions in it, and the run itself on disk."""
