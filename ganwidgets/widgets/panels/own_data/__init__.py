"""The panel in which people draw, paste or load points of their own."""
