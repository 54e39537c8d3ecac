"""Panels in the form of sentences with gaps: what-if experiments, explanations, rules."""
