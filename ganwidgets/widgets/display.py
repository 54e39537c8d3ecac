"""Where a widget was displayed, and the picture that stays there for readers without a kernel."""

from __future__ import annotations

import base64
import html
import uuid
from collections.abc import Callable
from typing import Any

from IPython.display import publish_display_data

__all__ = ["Displays", "closed_bundle", "with_picture"]


def with_picture(bundle: dict[str, Any], png: bytes) -> dict[str, Any]:
    """Return a MIME bundle that shows `png` wherever the widget itself cannot be shown."""
    return {**bundle, "image/png": base64.b64encode(png).decode("ascii")}


def closed_bundle(sentence: str, png: bytes) -> dict[str, Any]:
    """Return a MIME bundle that says why there is no widget, over the last picture."""
    picture = base64.b64encode(png).decode("ascii")
    return {
        "text/plain": sentence,
        "text/html": f'<p role="status">{html.escape(sentence)}</p>'
        f'<img alt="" src="data:image/png;base64,{picture}">',
    }


class Displays:
    """The outputs in which one widget was displayed.

    Attributes
    ----------
    stale : bool
        Whether they are to be replaced as soon as nobody looks at them.
    """

    def __init__(self) -> None:
        self._ids: list[str] = []
        self.stale = False

    def show(self, bundle: dict[str, Any]) -> None:
        """Display `bundle` in the current cell."""
        display_id = uuid.uuid4().hex
        self._ids.append(display_id)
        publish_display_data(bundle, transient={"display_id": display_id})

    def update(self, bundle: Callable[[], dict[str, Any]]) -> None:
        """Replace what was displayed, so that a notebook saved now shows this moment."""
        self.stale = False
        if not self._ids:
            return
        fresh = bundle()
        for display_id in self._ids:
            publish_display_data(fresh, transient={"display_id": display_id}, update=True)
