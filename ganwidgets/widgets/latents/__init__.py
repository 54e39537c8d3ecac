"""The widget that explores a latent space."""
