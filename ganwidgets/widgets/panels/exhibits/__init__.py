"""The overview and the pictures of a game."""
