"""The panel of a run that cannot be stored in its folder: the reason, and a button to save it elsewhere."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from pathlib import Path

import ipywidgets

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.announcement import announced
from ganwidgets.widgets.browser.style.shared_style import SharedStyle, classed

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
        self.path = classed(
            ipywidgets.Text(str(Path.home() / "run.gan"), **look.of(ipywidgets.Text)), "gw-rescue-path"
        )
        button = ipywidgets.Button(description=self._label, tooltip=self._help, **look.of(ipywidgets.Button))
        button.on_click(self._clicked)
        self.button = classed(button, "gw-action", "gw-rescue")
        self._said = look.html("", "gw-rescue-said")
        row = look.box([self.path, self.button, self._said], "gw-actions")
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
            self.widget.add_class("gw-hidden")
            self._box.value = self._said.value = ""
            return
        headline = self._catalog(N_("The run is not being stored."))
        self._box.value = (
            f'<div role="alert" class="gw-trouble-box"><strong>{html.escape(headline)}</strong>'
            f"<p>{html.escape(self._catalog.error(fault))}</p></div>"
        )
        self.widget.remove_class("gw-hidden")

    def _clicked(self, _button: ipywidgets.Button) -> None:
        self.button.disabled = True
        threading.Thread(
            target=self._work, args=(self.path.value,), name="ganwidgets-rescue", daemon=True
        ).start()

    def _work(self, path: str) -> None:
        try:
            self._rescue(path)
            said = self._catalog(N_("Saved: {path}"), path=path)
        except Exception as error:  # noqa: BLE001 - the page shows why it cannot be saved
            said = self._catalog.error(error)
        self._said.value = announced(said)
        self.button.disabled = False
