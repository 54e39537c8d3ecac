"""Scripts, styles and messages shared by all widgets."""
