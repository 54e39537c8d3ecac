"""The panels of the trainer's widget; each folder holds the Python, scripts and styles of one or a few."""
