"""Points: presets, points drawn by hand, and files of points."""
