"""A run kept in a folder while it trains: saving, opening, replay."""
