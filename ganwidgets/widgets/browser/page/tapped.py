"""A widget whose messages can be forwarded to other pages, such as those of a class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ganwidgets.widgets.browser.page.scripted import ScriptedWidget

__all__ = ["TappedWidget"]

Tap = Callable[[Mapping[str, Any], Any], None]


class TappedWidget(ScriptedWidget):
    """An AnyWidget that calls all its taps with every message that it sends."""

    _esm_text = ""
    """The JavaScript module, as text."""
    _css_text = ""
    """The stylesheet, as text."""
    _taps: tuple[Tap, ...] = ()

    def __init_subclass__(cls, **keywords: Any) -> None:
        for name in ("_esm", "_css"):
            text = vars(cls).get(name)
            if isinstance(text, str):  # traitlets derives a class without `_esm` for each instance
                setattr(cls, f"{name}_text", text)
        super().__init_subclass__(**keywords)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to all views, and call all taps with it."""
        super().send(content, buffers)
        for tap in self._taps:
            tap(content, buffers)

    def tapped(self, tap: Tap) -> Tap:
        """Add `tap`, which is called with each message, and return it."""
        self._taps = (*self._taps, tap)
        return tap

    def untapped(self, tap: Tap) -> None:
        """Remove `tap`."""
        self._taps = tuple(each for each in self._taps if each is not tap)
