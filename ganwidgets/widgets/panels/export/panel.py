"""The buttons that write the run to a file in the notebook's folder."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.saved_files import SavedFiles

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
        self._files = files = SavedFiles(catalog, look, "gw-saving-message")
        files.buttons = [
            look.button(
                ending.upper(),
                partial(files.begin, partial(export, ending)),
                f"gw-save-{ending}",
                tooltip=catalog(sentence),
            )
            for ending, sentence in KINDS.items()
        ]
        label = look.html(f"<b>{html.escape(catalog(N_('Save')))}</b>")
        self.widget = look.part("export", [label, *files.buttons, files.message], "gw-export", "gw-panel")

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of each button, by CSS class."""
        t = self._catalog
        return {f"gw-save-{kind}": (t(sentence), t(sentence)) for kind, sentence in KINDS.items()}
