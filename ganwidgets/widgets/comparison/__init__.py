"""Runs beside each other, in a notebook."""
