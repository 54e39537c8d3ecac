"""The panel of a run that cannot be stored in its folder: the reason, and a button to save it elsewhere."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ipywidgets

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.style.shared_style import SharedStyle, set_hidden
from ganwidgets.widgets.panels.saved_files import SavedFiles

__all__ = ["UnstoredPanel"]


class UnstoredPanel:
    """A sentence, a path and a button; hidden while the run is stored.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    rescue : callable
        ``rescue(path)`` saves the whole run to that file, or raises; called on a separate thread.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    widget : ipywidgets.Box
        Created once; later only its traits change.
    path : ipywidgets.Text
        Path to which the button saves the run.
    button : ipywidgets.Button
    """

    def __init__(
        self, catalog: Catalog, rescue: Callable[[str], None], look: SharedStyle | None = None
    ) -> None:
        look = look or SharedStyle()
        self._catalog = catalog
        self._rescue = rescue
        self._box = look.html("", "gw-trouble")
        self._label = catalog(N_("Save elsewhere"))
        self._help = catalog(
            N_("Saves the whole run to the file beside this button, on another disk for example.")
        )
        self.path = ipywidgets.Text(
            str(Path.home() / "run.gan"), **look.of(ipywidgets.Text, "gw-rescue-path")
        )
        self._files = SavedFiles(catalog, look, "gw-rescue-message")
        self.button = look.button(self._label, self._save, "gw-rescue", tooltip=self._help)
        self._files.buttons = [self.button]
        row = look.box([self.path, self.button, self._files.message], "gw-actions")
        self.widget = look.box([self._box, row], "gw-unstored", "gw-hidden")

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of each control, by CSS class."""
        return {
            "gw-rescue": (self._label, self._help),
            "gw-rescue-path": (self._catalog(N_("File")), self._help),
        }

    def report(self, fault: BaseException | None) -> None:
        """Show why the run cannot be stored, or nothing if it can."""
        if fault is None:
            set_hidden(self.widget, True)
            self._box.value = self._files.message.value = ""
            return
        headline = self._catalog(N_("The run is not being stored."))
        self._box.value = (
            f'<div role="alert" class="gw-trouble-box"><strong>{html.escape(headline)}</strong>'
            f"<p>{html.escape(self._catalog.error(fault))}</p></div>"
        )
        set_hidden(self.widget, False)

    def _save(self) -> None:
        self._files.begin(partial(self._saved, self.path.value))

    def _saved(self, path: str) -> str:
        self._rescue(path)
        return path
