"""History, interventions, places, branches and snapshots of a run."""
