"""The overview graph in the browser: miniatures of all parts, and the flow between them.

The kernel sends one message per frame, ``{"frame": {...}}``, with one buffer for each of its parts:

- ``parts``: ``[name, "f4", "u1" or "i1", shape]`` for each buffer, in their order; ``keep``: the names of
  parts that are as in an earlier message. Places are ``[..., 2]``, both from 0 to 1 within a miniature.
- ``view``: plane or gallery; ``status``, ``steps`` (a second) and ``learning``: the loops at work, a
  string of ``d`` and ``g``; ``stage``: the parts that a sub-step of an update is about, none outside one;
- ``values`` and ``descriptions``: for each part its number in short, and what it is in a sentence;
- ``record``: the last losses; ``limits``: the scale of their bars; ``share``: of the noise, in each cell
  of the manifold; ``whole``: whether the noise is all there is to see of it, and not a slice.

From the browser: ``{"hello": true}`` from a new view, which needs every part. The trait
`unfolded` is the viewers' choice, the same in all views; only users and cells write it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from traitlets import Bool, Dict

from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.scripted import ScriptedWidget

__all__ = ["GraphView"]


class GraphView(ScriptedWidget):
    """Nodes, edges and the large view of each part; created once.

    Parameters
    ----------
    words : mapping
        All texts, in the reader's language.
    request : callable
        Called, on the thread of the browser's messages, when a new picture is needed; `fresh` says
        whether it must hold every part.
    """

    _esm = script("panels/graph/graph")
    _css = stylesheet("panels/graph/graph")

    words = Dict().tag(sync=True)
    unfolded = Bool(True, help="Whether the graph is unfolded.").tag(sync=True)

    def __init__(self, words: Mapping[str, Any], request: Callable[[bool], None]) -> None:
        self._request = request
        super().__init__(words=dict(words))
        self.observe(lambda _: request(False), names=["unfolded"])
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "hello" in content:
            self._request(True)
