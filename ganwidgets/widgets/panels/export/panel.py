"""The buttons that write the run to a file in the notebook's folder."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Callable
from pathlib import Path

import ipywidgets

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.announcement import announced
from ganwidgets.widgets.browser.style.shared_style import SharedStyle, classed

__all__ = ["SavingPanel", "file_name"]

KINDS = {
    "png": N_("Save the present view as a picture."),
    "gif": N_("Save the training so far as a film."),
    "mp4": N_("Save the training so far as a video; this needs ganwidgets[video]."),
    "html": N_("Save the whole run as one page that needs nothing but a browser."),
}


def file_name(data: str, iteration: int, ending: str) -> str:
    """Return a file name for an export of a run.

    >>> file_name("array of 500 points", 1200, "gif")
    'array-of-500-points-1200.gif'
    """
    plain = re.sub(r"\W+", "-", data).strip("-")[:60] or "gan"
    return f"{plain}-{iteration}.{ending}"


class SavingPanel:
    """A button for each format, and the path of the last file.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    export : callable
        ``export(ending)`` writes the file and returns its path, or raises; called on a separate thread.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    widget : ipywidgets.Box
    """

    def __init__(
        self, catalog: Catalog, export: Callable[[str], Path], look: SharedStyle | None = None
    ) -> None:
        look = look or SharedStyle()
        self._catalog = catalog
        self._export = export
        self._told = look.html("", "gw-saving-told")
        self._buttons = [self._button(ending, look) for ending in KINDS]
        label = look.html(f"<b>{html.escape(catalog(N_('Save')))}</b>")
        self.widget = look.part("export", [label, *self._buttons, self._told], "gw-export", "gw-panel")

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of each button, by CSS class."""
        t = self._catalog
        return {f"gw-save-{kind}": (t(sentence), t(sentence)) for kind, sentence in KINDS.items()}

    def _button(self, ending: str, look: SharedStyle) -> ipywidgets.Button:
        button = ipywidgets.Button(
            description=ending.upper(), tooltip=self._catalog(KINDS[ending]), **look.of(ipywidgets.Button)
        )
        button.on_click(lambda _: self._save(ending))
        return classed(button, "gw-action", f"gw-save-{ending}")

    def _save(self, ending: str) -> None:
        for button in self._buttons:
            button.disabled = True
        self._tell(self._catalog(N_("Saving…")))
        threading.Thread(target=self._work, args=(ending,), name="ganwidgets-export", daemon=True).start()

    def _work(self, ending: str) -> None:
        try:
            said = self._catalog(N_("Saved: {path}"), path=str(self._export(ending)))
        except Exception as error:  # noqa: BLE001 - the page shows why it cannot be saved
            said = self._catalog.error(error)
        self._tell(said)
        for button in self._buttons:
            button.disabled = False

    def _tell(self, sentence: str) -> None:
        self._told.value = announced(sentence)
