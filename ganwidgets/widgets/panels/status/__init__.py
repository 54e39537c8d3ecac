"""The status line, and the panel for runs that cannot be stored."""
