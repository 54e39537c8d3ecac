"""The Dirac-GAN's widget."""
