"""One layout and one style of each kind for all parts of a trainer's widget.

ipywidgets gives every widget its own layout and style, each a model in the browser: two thirds of all
messages, for objects that never change. Here the stylesheet replaces them.

CSS classes are constructor arguments here, because adding a class to an existing widget costs another
message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets

__all__ = ["SharedStyle", "set_hidden"]


class SharedStyle:
    """One layout, and one style of each kind; they are never changed."""

    def __init__(self) -> None:
        self.layout = ipywidgets.Layout()
        self._styles: dict[type, Any] = {}

    def of(self, kind: type[ipywidgets.Widget], *css_classes: str) -> dict[str, Any]:
        """Return keywords that give a widget of `kind` the shared layout and style, and these CSS classes."""
        keywords = {"layout": self.layout, "_dom_classes": css_classes}
        trait = kind.class_traits().get("style")
        if trait is not None:
            if trait.klass not in self._styles:
                self._styles[trait.klass] = trait.klass()
            keywords["style"] = self._styles[trait.klass]
        return keywords

    def box(self, children: Iterable[ipywidgets.Widget], *css_classes: str) -> ipywidgets.Box:
        """Return a box that is laid out by the stylesheet."""
        return ipywidgets.Box(tuple(children), **self.of(ipywidgets.Box, *css_classes))

    def part(self, name: str, children: Iterable[ipywidgets.Widget], *css_classes: str) -> ipywidgets.Box:
        """Return the box of a part of a widget that users show, move and size by its name."""
        return self.box(children, "gw-part", f"gw-part-{name}", *css_classes)

    def button(
        self, text: str, act: Callable[[], None], *css_classes: str, tooltip: str | None = None
    ) -> ipywidgets.Button:
        """Return a button that calls `act` when it is clicked."""
        style = self.of(ipywidgets.Button, "gw-action", *css_classes)
        button = ipywidgets.Button(description=text, tooltip=tooltip, **style)
        button.on_click(lambda _: act())
        return button

    def html(self, text: str, *css_classes: str) -> ipywidgets.HTML:
        """Return a widget with the HTML `text`; the caller must escape user input."""
        return ipywidgets.HTML(text, **self.of(ipywidgets.HTML, *css_classes))


def set_hidden(widget: ipywidgets.DOMWidget, hidden: bool) -> None:
    """Hide a widget in the page if `hidden`, and show it otherwise."""
    if hidden:
        widget.add_class("gw-hidden")
    else:
        widget.remove_class("gw-hidden")
