"""Panels that are sentences with gaps: what if, why, rules."""
