"""The guided tour of a widget."""
