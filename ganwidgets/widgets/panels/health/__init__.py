"""What is wrong with the run, and what may help."""
