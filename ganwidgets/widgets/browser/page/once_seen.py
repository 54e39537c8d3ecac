"""A container that creates the view of its widget once the container is visible.

A bqplot figure measures itself when its view is created. Under ``display: none``, as in a closed tab, its size is 0 x 0.
It then logs attributes with negative sizes, and stays hidden until it is scrolled into view.
"""

from __future__ import annotations

from typing import Any

import ipywidgets
from traitlets import Instance

from ganwidgets.widgets.browser.assets import script
from ganwidgets.widgets.browser.page.scripted import ScriptedWidget

__all__ = ["OnceSeen"]


class OnceSeen(ScriptedWidget):
    """An element that creates the view of `content` when its width and height are first positive, and keeps it.

    Parameters
    ----------
    content : ipywidgets.DOMWidget
    **keywords
        Keywords of every widget, such as `layout`.
    """

    _esm = script("browser/page/once_seen")

    content = Instance(ipywidgets.DOMWidget).tag(sync=True, **ipywidgets.widget_serialization)

    def __init__(self, content: ipywidgets.DOMWidget, **keywords: Any) -> None:
        super().__init__(content=content, **keywords)

    @property
    def children(self) -> tuple[ipywidgets.DOMWidget, ...]:
        """The content, in a tuple as in boxes."""
        return (self.content,)
