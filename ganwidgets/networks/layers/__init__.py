"""Layers and conventions that several architectures share."""
