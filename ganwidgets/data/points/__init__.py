"""Points: presets, drawings, and files."""
