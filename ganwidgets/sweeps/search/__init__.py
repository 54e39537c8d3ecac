"""Choice of configurations: grids, draws, searches, and evolution."""
