"""The overview graph: both networks and what flows between them."""
