"""The panel that walks through the sub-steps of one update."""
