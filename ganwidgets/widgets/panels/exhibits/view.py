"""The exhibits of a game as a view that a class can follow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import ipywidgets

from ganwidgets.widgets.browser.assets import script
from ganwidgets.widgets.browser.page.tapped import Tap

__all__ = ["ExhibitsView"]


class ExhibitsView:
    """Sends the rows of the exhibits to each tap, as messages of a :class:`TappedWidget`.

    Parameters
    ----------
    rows : ipywidgets.HTML
        The displayed rows.
    """

    _esm_text = script("panels/exhibits/exhibits")
    _css_text = ""

    def __init__(self, rows: ipywidgets.HTML) -> None:
        self._rows = rows
        self._taps: dict[Tap, Any] = {}

    def tapped(self, tap: Tap) -> Tap:
        """Add `tap`, which is called with each change, and return it."""
        self._taps[tap] = partial(self._give, tap)
        self._rows.observe(self._taps[tap], "value")
        return tap

    def untapped(self, tap: Tap) -> None:
        """Remove `tap`."""
        self._rows.unobserve(self._taps.pop(tap), "value")

    def has_trait(self, name: str) -> bool:
        """Return False: nothing about the rows can be chosen on a page."""
        del name
        return False

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """Send the latest rows to all taps; called when a class begins."""
        del content
        for tap in self._taps:
            self._give(tap, None)

    def _give(self, tap: Tap, _change: Any) -> None:
        if self._rows.value:
            tap({"frame": {"parts": [["rows"]]}}, [self._rows.value.encode()])
