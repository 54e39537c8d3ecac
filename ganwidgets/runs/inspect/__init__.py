"""Looking at a run without changing a bit of it: samples, sub-steps, latent paths."""
