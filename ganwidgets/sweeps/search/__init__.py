"""Choice of configurations: grids, random draws, searches, and evolution."""
