"""Pictures of one moment, and curves of whole runs."""
