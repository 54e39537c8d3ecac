"""How one update is executed, and the whole state that it changes."""
