"""Pictures, animations and pages of a run, which need no kernel."""
