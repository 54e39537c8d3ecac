"""A run's history and interventions, time travel, and storage on disk."""
