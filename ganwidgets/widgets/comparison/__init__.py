"""The widget that compares runs."""
