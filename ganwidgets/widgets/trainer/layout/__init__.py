"""The panels of a widget, their order, and presets for one screen."""
