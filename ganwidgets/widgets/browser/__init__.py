"""Scripts, styles and messages that all views share."""
