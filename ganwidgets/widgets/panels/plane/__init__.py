"""The plane: points, the discriminator's map and other layers of two-dimensional data."""
