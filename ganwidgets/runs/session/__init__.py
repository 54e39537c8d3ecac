"""A training session: state, rollback after failures, and the autosave protocol."""
