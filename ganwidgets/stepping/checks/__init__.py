"""Checks of networks and games on one batch before training, and causes of their failures."""
