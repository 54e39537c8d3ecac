"""Colours, layouts and styles shared by all parts of a widget."""
