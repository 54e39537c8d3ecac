"""One run that trains: its session, rollback after a failure, and the protocol of autosaving."""
