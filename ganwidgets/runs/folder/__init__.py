"""A run stored in a folder during training: saving, opening, replay."""
