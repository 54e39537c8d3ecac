"""Read-only inspection of a run: samples, sub-steps, latent paths."""
