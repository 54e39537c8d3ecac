"""The parts of a widget, created and arranged."""
