"""Panels that are sentences with gaps, such as "What if [setting] becomes [value]"."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from ganwidgets.messages import Catalog
from ganwidgets.widgets.browser.announcement import announced
from ganwidgets.widgets.browser.style.shared_style import SharedStyle

__all__ = ["Sentences"]


class Sentences:
    """The parts of a sentence panel: gaps, buttons, rows, and the line for messages.

    Parameters
    ----------
    name : str
        The panel's name. The CSS class of a part is ``gw-<name>-<part>``.
    catalog : Catalog
        The reader's language. All texts are marked for translation, and are translated here.
    look : SharedStyle

    Attributes
    ----------
    names : dict of str to (str, str)
        Accessible name and tooltip of each gap, by CSS class.
    message : ipywidgets.HTML
        The line for messages.
    """

    def __init__(self, name: str, catalog: Catalog, look: SharedStyle) -> None:
        self._name, self._catalog, self._look = name, catalog, look
        self.names: dict[str, tuple[str, str]] = {}
        self.message = look.html("", f"gw-{name}-message")

    def gap(self, kind: type[ipywidgets.Widget], part: str, label: str, help_: str, **keywords: Any) -> Any:
        """Return an input of class `kind` for a gap, created with `keywords`."""
        css_class = f"gw-{self._name}-{part}"
        self.names[css_class] = self._catalog(label), self._catalog(help_)
        return kind(**keywords, **self._look.of(kind, css_class))

    def button(self, text: str, part: str, act: Callable[[], None], *css_classes: str) -> ipywidgets.Button:
        """Return a button that calls `act`."""
        return self._look.button(self._catalog(text), act, f"gw-{self._name}-{part}", *css_classes)

    def row(
        self, *parts: str | ipywidgets.Widget, title: str = "", css_classes: Sequence[str] = ()
    ) -> ipywidgets.Box:
        """Return a row of words and widgets, which begins with `title` if there is one."""
        head = [self._text(title, "gw-sentence-title")] if title else []
        rest = [self._text(part, "gw-sentence-word") if isinstance(part, str) else part for part in parts]
        return self._look.box([*head, *rest], "gw-sentence-row", *css_classes)

    def panel(self, *parts: ipywidgets.Widget) -> ipywidgets.Box:
        """Return the panel."""
        return self._look.part(self._name, parts, f"gw-{self._name}", "gw-panel", "gw-sentences")

    def show_message(self, text: str) -> None:
        """Show a translated text in the line; an empty text clears it."""
        self.message.value = announced(text)

    def show_error(self, error: Exception) -> None:
        """Show an error in the line."""
        self.show_message(self._catalog.error(error))

    def _text(self, text: str, css_class: str) -> ipywidgets.HTML:
        return self._look.html(html.escape(self._catalog(text)), css_class)
