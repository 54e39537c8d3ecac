"""The plane on which points are drawn: projection, axes, grid, map of the verdict."""
