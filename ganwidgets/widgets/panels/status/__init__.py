"""The status line, and what a widget shows when a run cannot be stored."""
