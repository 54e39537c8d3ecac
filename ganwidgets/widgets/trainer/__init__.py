"""The trainer's widget: traits, layout, and the publisher that writes to them."""
