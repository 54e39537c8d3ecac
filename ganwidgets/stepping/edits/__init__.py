"""Changes of networks by the user or another thread, found by comparison."""
