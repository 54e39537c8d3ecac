"""Real samples for updates: data as the streams of a game."""
