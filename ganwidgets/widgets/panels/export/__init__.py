"""The buttons that write a run to a file."""
