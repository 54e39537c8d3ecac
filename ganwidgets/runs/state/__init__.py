"""A run's state as a tree: hash, migrations, environment."""
