"""Display and messages of widgets in the kernel."""
