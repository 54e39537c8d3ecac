"""Widgets with a script of their own that a slow page loads in time.

A page handles the messages of a kernel one after another. Several hundred models arrive when a widget is opened. While a
slow page creates them, the script of an AnyWidget does not load. After 2 s anywidget gives up, and the model never handles
a message. But the page handles no further message while one is for a model whose script still loads. So a message to each
model, right after its creation, gives the page the time to load its script.
"""

from __future__ import annotations

import anywidget

__all__ = ["ScriptedWidget"]


class ScriptedWidget(anywidget.AnyWidget):
    """An AnyWidget for whose script a page waits before it creates further models."""

    def open(self) -> None:
        """Create the model in the page, and send it a trait that it has already."""
        super().open()
        self.send_state("_view_name")
