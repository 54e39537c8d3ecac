"""Recordings of a widget's pictures, and a page that replays one with the same panel module, without a kernel.

A recording is a JSON value:

- ``frames``: for each recorded moment the content of a message of the view (see
  :mod:`ganwidgets.widgets.panels.plane.view`), complete, with ``buffers``: the number of each part's buffer;
- ``buffers``: the buffers in base64, each once;
- ``losses``: rows ``[iteration, loss of D, loss of G]``, null if a value is not finite;
- ``iterations``: of the frames;
- ``traits``: traits of the view's model; ``panel``: ``"plane"`` or ``"samples"``.
"""

from __future__ import annotations

import base64
import html
import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.pictures.scene import drawn_small
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = ["recorded", "replay_page"]

PANELS = {"plane": "panels/plane/plane", "samples": "panels/samples/gallery"}
"""Module and style sheet of each panel."""

TRAITS = (
    "words",
    "layers",
    "arrows",
    "trail",
    "count",
    "beside",
    "chosen",
    "inspected",
    "direction",
    "amount",
)

WORDS = {
    "play": N_("Play"),
    "pause": N_("Pause"),
    "moment": N_("Moment of the run"),
    "iteration": N_("iteration"),
    "loss_d": N_("loss of D"),
    "loss_g": N_("loss of G"),
    "log": N_("log"),
}


def recorded(widget: GANTrainerWidget, iterations: Sequence[int]) -> dict[str, Any]:
    """Train to each of `iterations`, ascending, and return a recording of the widget's pictures there."""
    modality = widget.trainer.source.modality
    view: Any = widget._dashboard.picture_view
    newest: dict[str, tuple[list[Any], bytes]] = {}
    content: dict[str, Any] = {}

    def take(message: Mapping[str, Any], buffers: Any) -> None:
        if "frame" not in message:
            return
        content.clear()
        content.update(message["frame"])
        parts, kept = content.pop("parts"), content.pop("keep", [])
        for name in [name for name in newest if name not in kept]:
            del newest[name]
        newest.update(
            {part[0]: (part, bytes(buffer)) for part, buffer in zip(parts, buffers or (), strict=True)}
        )

    numbers: dict[bytes, int] = {}
    frames = []
    tap = view.tapped(take)
    try:
        view._on_message(view, {"hello": True}, [])
        for iteration in iterations:
            widget.play(until=iteration)
            widget.wait(iteration=iteration)
            widget.wait()
            frames.append(
                {
                    **content,
                    "parts": [part for part, _ in newest.values()],
                    "keep": [],
                    "buffers": [numbers.setdefault(buffer, len(numbers)) for _, buffer in newest.values()],
                }
            )
    finally:
        view.untapped(tap)
    history = widget.trainer.history
    (at, _, d, _), (_, _, g, _) = (drawn_small(history, name) for name in ("loss_d", "loss_g"))
    rows = zip(at.tolist(), d.tolist(), g.tolist(), strict=True)
    return {
        "panel": "plane" if modality.on_plane else "samples",
        "iterations": list(iterations),
        "frames": frames,
        "buffers": [base64.b64encode(buffer).decode("ascii") for buffer in numbers],
        "losses": [[int(i), *(round(v, 4) if math.isfinite(v) else None for v in pair)] for i, *pair in rows],
        "traits": {name: getattr(view, name) for name in TRAITS if view.has_trait(name)},
    }


def replay_page(recording: Mapping[str, Any], title: str, catalog: Catalog) -> bytes:
    """Return a self-contained page, UTF-8, that replays a recording of :func:`recorded`."""
    module = PANELS[recording["panel"]]
    styles = "".join(map(stylesheet, ("trainer/style", module, "classroom/page", "replay/page")))
    words = {name: catalog(text) for name, text in WORDS.items()}
    content = json.dumps({**recording, "module": script(module), "words": words}, default=str)
    page = (files(__package__) / "page.html").read_text("utf-8")
    for name, text in (
        ("lang", html.escape(catalog.language)),
        ("title", html.escape(title)),
        ("styles", styles),
        ("recording", content.replace("<", "\\u003c")),  # no end of an element within
        ("script", script("replay/page")),
    ):
        page = page.replace(f"{{{{{name}}}}}", text, 1)
    return page.encode("utf-8")
