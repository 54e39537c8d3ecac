"""What happened in a run: history, interventions, positions, branches, snapshots."""
