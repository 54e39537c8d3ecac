"""Recommended settings, pretrained states, and the code of a run."""
