"""Widgets that run scripts on every page."""
