"""Buttons that save something: they wait while a thread of its own saves it, and a line says what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import ipywidgets

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.announcement import announced
from ganwidgets.widgets.browser.style.shared_style import SharedStyle

__all__ = ["SavedFiles"]


class SavedFiles:
    """The line that says where the last file is, or why it could not be saved.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    look : SharedStyle
    css_class : str
        Of the line.

    Attributes
    ----------
    message : ipywidgets.HTML
        The line.
    buttons : list of ipywidgets.Button
        Disabled while a file is saved.
    """

    def __init__(self, catalog: Catalog, look: SharedStyle, css_class: str) -> None:
        self._catalog = catalog
        self.message = look.html("", css_class)
        self.buttons: list[ipywidgets.Button] = []

    def begin(self, save: Callable[[], Any]) -> None:
        """Call `save`, which returns the path of the file or raises, on a thread of its own."""
        for button in self.buttons:
            button.disabled = True
        self.message.value = announced(self._catalog(N_("Saving…")))
        threading.Thread(target=self.work, args=(save,), name="ganwidgets-save", daemon=True).start()

    def work(self, save: Callable[[], Any]) -> None:
        """Call `save`, and say what came of it."""
        try:
            message = self._catalog(N_("Saved: {path}"), path=str(save()))
        except Exception as error:  # noqa: BLE001 - the page shows why it cannot be saved
            message = self._catalog.error(error)
        self.message.value = announced(message)
        for button in self.buttons:
            button.disabled = False
