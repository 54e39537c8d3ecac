"""The widget for exploring a latent space."""
