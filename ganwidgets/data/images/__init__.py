"""Images: presets, folders, sizes, and value ranges."""
