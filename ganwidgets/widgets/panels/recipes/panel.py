"""Starting points: recommended settings for the chosen data, a pretrained run, and this run as code."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from ganwidgets.messages import Catalog, N_
from ganwidgets.recipes import RECOMMENDED
from ganwidgets.widgets.browser.style.shared_style import SharedStyle

__all__ = ["STARTS", "StartPanel"]

STARTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "recommended": (
            N_("Recommended settings"),
            N_("Sets the values recommended for the chosen data, and starts afresh on a new branch."),
        ),
        "pretrained": (
            N_("Pretrained start"),
            N_(
                "Goes on, on a branch called pretrained, from networks that have learnt the chosen data already."
            ),
        ),
    }
)
"""Label and tooltip of each button."""


class StartPanel:
    """Two buttons for the chosen data, and the code that recreates this run.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    act : callable
        ``act(start)`` is called with a name from :data:`STARTS`, on the thread that handles the
        browser's messages.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    widget : ipywidgets.Box
    buttons : dict of str to ipywidgets.Button
    """

    name = "starts"

    def __init__(self, catalog: Catalog, act: Callable[[str], None], look: SharedStyle | None = None) -> None:
        look = look or SharedStyle()
        self._catalog = catalog
        self.buttons = {}
        for start, (label, sentence) in STARTS.items():
            self.buttons[start] = look.button(
                catalog(label), partial(act, start), f"gw-{start}", tooltip=catalog(sentence)
            )
        self._code = look.html("", "gw-code")
        self._shown = ""
        row = look.box(list(self.buttons.values()), "gw-actions")
        self.widget = look.box([row, self._code], f"gw-{self.name}")

    def show(self, data: Any, code: str) -> None:
        """Offer the starts for `data`, and show `code`; called by the publisher's thread only."""
        about = RECOMMENDED.get(data) if isinstance(data, str) else None
        for start, there in (("recommended", about is not None), ("pretrained", bool(about and about.steps))):
            self.buttons[start].disabled = not there
        if code != self._shown:
            self._shown = code
            line, t = html.escape(code, quote=True), self._catalog
            self._code.value = (
                f"<span>{html.escape(t(N_('This run as code')))}</span> <code>{line}</code> "
                f'<button type="button" class="gw-action gw-copy" data-gw-copy="{line}" '
                f'title="{html.escape(t(N_("Copies the code; run in a cell, it makes this run again.")), quote=True)}">'
                f"{html.escape(t(N_('Copy')))}</button>"
            )
