"""Colours, phrases and axis ticks, shared by all pictures of a run."""
