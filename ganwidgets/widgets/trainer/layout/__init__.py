"""Which panels a widget shows, in which order, and presets for one screen."""
