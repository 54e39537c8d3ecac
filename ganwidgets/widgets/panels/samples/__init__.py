"""The samples panel: a gallery of generated and real images."""
