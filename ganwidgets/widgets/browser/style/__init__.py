"""Colours, layouts and styles that all parts of a widget share."""
