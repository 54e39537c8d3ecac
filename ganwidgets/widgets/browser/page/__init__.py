"""Scripts of every page, and the widgets that run them."""
