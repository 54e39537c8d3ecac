"""A container that creates the view of its widget once the page shows it.

A bqplot figure measures itself when its view is made. Under ``display: none``, as in a closed tab, it measures 0 x 0,
logs attributes with negative sizes, and stays hidden until it is scrolled into sight.
"""

from __future__ import annotations

from typing import Any

import anywidget
import ipywidgets
from traitlets import Instance

from ganwidgets.widgets.browser.assets import script

__all__ = ["OnceSeen"]


class OnceSeen(anywidget.AnyWidget):
    """An element that makes the view of `content` once it has a width and a height, and then keeps that view.

    Parameters
    ----------
    content : ipywidgets.DOMWidget
    **keywords
        Those of every widget, such as `layout`.
    """

    _esm = script("browser/page/once_seen")

    content = Instance(ipywidgets.DOMWidget).tag(sync=True, **ipywidgets.widget_serialization)

    def __init__(self, content: ipywidgets.DOMWidget, **keywords: Any) -> None:
        super().__init__(content=content, **keywords)

    @property
    def children(self) -> tuple[ipywidgets.DOMWidget, ...]:
        """The widget inside, under the name that boxes have for theirs."""
        return (self.content,)
