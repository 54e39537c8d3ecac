"""The pictures of a latent explorer, and pointer drags on them.

To the browser: `pictures`, the PNG and caption of each displayed picture by name; `state`, a line of text and
the progress of the image in [0, 1]. From the browser: ``{"drag": [dx, dy], "how": "pan"|"move"|"turn",
"done": bool}`` with distances in picture sides, or in degrees for "turn".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
from traitlets import Dict

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.assets import script, stylesheet

__all__ = ["PICTURES", "LatentView"]

PICTURES = ("image", "beside", "activation", "spectrum")
"""Names of the pictures, in display order."""


class LatentView(anywidget.AnyWidget):
    """Pictures side by side.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    dragged : callable
        Called as ``dragged(how, dx, dy, done)`` on the thread that handles the browser's messages.
    """

    _esm = script("latents/latents")
    _css = stylesheet("latents/latents")

    pictures = Dict().tag(sync=True)
    state = Dict().tag(sync=True)
    words = Dict().tag(sync=True)

    def __init__(self, catalog: Catalog, dragged: Callable[[str, float, float, bool], None]) -> None:
        self._dragged = dragged
        super().__init__(
            words={
                "image": catalog(N_("Image")),
                "pan": catalog(N_("Drag: other seeds")),
                "move": catalog(N_("Drag: move")),
                "turn": catalog(N_("Drag: turn")),
                "hint": catalog(N_("Drag the image, or use the arrow keys.")),
            },
            state={"text": "", "share": 1.0},
        )
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "drag" in content:
            dx, dy = content["drag"]
            self._dragged(str(content["how"]), float(dx), float(dy), bool(content["done"]))
