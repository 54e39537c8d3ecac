"""Controls made from the definitions of settings."""
