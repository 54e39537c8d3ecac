"""The plane's canvas in the browser, which zooms and describes points without the kernel.

The kernel sends one message per frame, ``{"frame": {...}}``, with one buffer for each of its parts:

- ``parts``: ``[name, "f4" or "u1", shape]`` for each buffer, in their order; ``keep``: the names of parts
  that are as in an earlier message. Positions are ``[..., 2]`` in the plane's own coordinates.
  ``image_real`` and ``image_generated``, uint8 ``[M, H, W, 1 or 3]``, are the images at the points.
- ``extent``: x0, x1, y0, y1 of the whole plane; ``axes``: names of both, "" for an axis without a meaning;
  ``units``: of both axes, ``[center, scale, whether the data has named it]``: a place z means center + scale * z;
- ``layers``: those that this kind of data has; ``notes``: ``[layer or "", text]``, each shown while its layer
  is shown; ``judged``: whether there is a map of the verdict, and ``covered``: which part of the plane it covers; ``share``: of the noise, in each cell of the
  manifold; ``arrows``: which gradient ``gradients`` is; ``walked``: whether the samples are the batch of an update
  that is being looked into, and ``ghost``: whether ``trails`` is where they were before it;
- of D's update, ``pull_real`` and ``pull_generated`` ``[M]``: which way its logit on each sample is to go.

From the browser: ``{"hello": true}`` from a new view, which needs every part; ``{"window": [x0, x1, y0,
y1]}`` once a view rests on a part of the plane, ``{"window": null}`` for the whole plane. Each view may look
elsewhere; the map of the verdict covers the last window sent. The traits `layers`, `arrows` and `trail` are the
viewers' choices, the same in all views; only users and cells write them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from traitlets import Dict, Enum, Int

from ganwidgets.live.observations import TRAIL
from ganwidgets.rendering.plane.projection import Extent
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.tapped import TappedWidget

__all__ = ["PlaneView"]

LONGEST = 1_000_000
"""Maximum length of a trail in steps."""


class PlaneView(TappedWidget):
    """Canvas, toggles and legend of the plane; created once.

    Parameters
    ----------
    words : mapping
        All texts, in the reader's language.
    shown : mapping of str to bool
        Layers that are shown initially.
    request : callable
        Called, on the thread of the browser's messages, when a new picture is needed; `fresh` says
        whether it must hold every part.

    Attributes
    ----------
    window : tuple of float or None
        ``x0, x1, y0, y1`` of the visible part of the view that moved last; None for the whole plane.
    """

    _esm = script("panels/plane/plane")
    _css = stylesheet("panels/plane/plane")

    words = Dict().tag(sync=True)
    layers = Dict(help="Whether each layer is shown, by its name.").tag(sync=True)
    arrows = Enum(["loss", "slope"], "loss", help="The gradient that the arrows show.").tag(sync=True)
    trail = Int(TRAIL, min=1, max=LONGEST, help="How many steps trails go back.").tag(sync=True)

    def __init__(
        self, words: Mapping[str, Any], shown: Mapping[str, bool], request: Callable[[bool], None]
    ) -> None:
        self._request = request
        self.window: Extent | None = None
        super().__init__(words=dict(words), layers=dict(shown))
        self.observe(lambda _: request(False), names=["layers", "arrows", "trail"])
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "hello" in content:
            self.window = None
            self._request(True)
        elif "window" in content:
            self.window = _part(content["window"])
            self._request(False)


def _part(window: Any) -> Extent | None:
    """Return the part of the plane in a page's message; None for the whole plane, and for invalid content."""
    if not isinstance(window, list) or len(window) != 4:
        return None
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in window):
        return None
    x0, x1, y0, y1 = map(float, window)
    return (x0, x1, y0, y1) if x0 < x1 and y0 < y1 else None
