"""The panels of the trainer's widget."""
