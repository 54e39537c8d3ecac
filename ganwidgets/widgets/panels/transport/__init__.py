"""Play, pause, steps and speed."""
