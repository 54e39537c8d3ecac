"""A run's state as a tree of tensors and plain values: its hash, its migrations, its environment."""
