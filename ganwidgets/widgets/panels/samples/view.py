"""The gallery in the browser: sharp pixels at any zoom, and details of samples.

To the browser go messages, each with one buffer for each of its parts, which ``parts`` lists as
``[name, "f4" or "u1", shape]``; pictures are uint8 ``[n, H, W]`` or ``[n, H, W, 3]``:

- ``{"frame": {iteration, columns, labels, noise, parts}}``: ``generated``; where they changed, and in the first
  message to a view, ``real`` and ``latents``; on request ``scores`` [n]. During a walk through an update also
  ``batch``, ``{text, count, real}``: what the images are, how many are to come, and how many real ones the
  update has;
- ``{"ways": {parts}}``: ``walk``, ``line``, ``moved``, as far as they were asked for;
- ``{"past": {iterations, sample, parts}}``: ``past``;
- ``{"neighbor": {sample, distance, typical, parts}}``: ``neighbor``;
- ``{"trouble": {kind, message, parts}}``: why one of the last three is missing.

From the browser: ``{"hello": true}`` from a new view, which needs every part;
``{"neighbor": sample}`` to request the real image nearest to a sample. The traits
are the viewers' choices, the same in all views; only users and cells write them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from traitlets import Bool, Dict, Enum, Float, Int, List, Unicode

from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.tapped import TappedWidget

__all__ = ["COUNTS", "GalleryView"]

COUNTS = (9, 16, 25, 36, 49, 64)
"""Choices for the number of samples."""


class GalleryView(TappedWidget):
    """Grid, tools and read-out of the gallery; created once.

    Parameters
    ----------
    words : mapping
        All texts, in the reader's language.
    changed : callable
        Called with a trait's name, on the thread of the browser's messages, when a viewer chose
        something; with ``"hello"`` when a view appeared.
    neighbor : callable
        Called with a sample's index when the user requests its neighbour.
    """

    _esm = script("panels/samples/gallery")
    _css = stylesheet("panels/samples/gallery")

    words = Dict().tag(sync=True)
    count = Enum(COUNTS, 25, help="How many samples are shown; with labels about so many.").tag(sync=True)
    beside = Bool(True, help="Whether real images are shown too.").tag(sync=True)
    chosen = List(Int(min=0), maxlen=2, help="The samples that were chosen, one or two.").tag(sync=True)
    inspected = Int(-1, help="The inspected sample; -1 for none.").tag(sync=True)
    direction = Unicode("", help='Such as "strongest 0" or "coordinate 3"; empty for none.').tag(sync=True)
    amount = Float(0.0, min=-3.0, max=3.0, help="How far along the direction.").tag(sync=True)

    def __init__(
        self,
        words: Mapping[str, Any],
        changed: Callable[[str], None],
        neighbor: Callable[[int], None],
    ) -> None:
        self._changed = changed
        self._neighbor = neighbor
        super().__init__(words=dict(words))
        self.observe(
            lambda change: changed(change.name),
            names=["count", "chosen", "inspected", "direction", "amount"],
        )
        self.on_msg(self._on_message)

    def send_parts(self, kind: str, content: Mapping[str, Any], parts: Mapping[str, np.ndarray]) -> None:
        """Send one message."""
        listed = [[name, array.dtype.str[1:], array.shape] for name, array in parts.items()]
        buffers = [array.tobytes() for array in parts.values()]
        self.send({kind: {**content, "parts": listed}}, buffers=buffers)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "hello" in content:
            self._changed("hello")
        elif "neighbor" in content:
            self._neighbor(int(content["neighbor"]))
