"""Views of a widget, and the frames that each has painted.

The kernel sends a number after each frame that needs an acknowledgement; every view of the heartbeat
answers from inside the browser's own drawing loop, two animation frames later, when ipycanvas and
bqplot have drawn what came before. A page that is slow answers late; one that is hidden or gone does not answer at all.

From the browser: ``{"open": view}`` when a page begins to hold a view, ``{"closed": view}`` when the view is removed or
its page is left, ``{"hello": view}`` when a view appears or becomes visible again, ``{"bye": view}``
when it is removed, hidden or scrolled out of sight, ``{"ack": seq, "view": view}`` when the frame of that number
was drawn, ``{"go": where}`` when an element with ``data-gw-go`` was clicked. To the browser: ``{"seq": seq}``. Messages of one kernel arrive in order. Nothing here
touches a trait, so a publishing thread and the browser's events cannot race.

The script also gives the other widgets' elements the names by which screen readers call them, and
their tooltips: ipywidgets offers no way to name a slider or a canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from traitlets import Dict, Unicode

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.tapped import TappedWidget

__all__ = ["Heartbeat", "NoViewers", "Viewers", "gone_words"]


def gone_words(catalog: Catalog, run: Path | None = None) -> dict[str, str]:
    """Return the texts of a page whose kernel is gone; `run` is the folder of the run."""
    remedy = catalog(N_("What is shown is the last picture; nothing in it answers any more."))
    if run is not None:
        go_on = f"gw.GANTrainerWidget(gw.open_run({str(run)!r}))"
        remedy = catalog(
            N_("What is shown is the last picture. {code} goes on from what was stored."), code=go_on
        )
    return {
        "state": catalog(N_("no kernel")),
        "gone": catalog(N_("The kernel is gone: run the cell again.")),
        "remedy": remedy,
    }


class Viewers(Protocol):
    """Who wants to know of views and of what they have seen; a `Pacer`."""

    def hello(self, view: str) -> None:
        """Note that `view` can see the panels."""

    def bye(self, view: str) -> None:
        """Note that `view` cannot see them any more."""

    def acknowledge(self, view: str, seq: int) -> None:
        """Note that `view` has drawn frame `seq`."""

    def opened(self, view: str) -> None:
        """Note that a page holds `view`, seen or not."""

    def closed(self, view: str) -> None:
        """Note that `view` is gone."""


class NoViewers:
    """The viewers of a widget that streams nothing."""

    def hello(self, view: str) -> None: ...

    def bye(self, view: str) -> None: ...

    def acknowledge(self, view: str, seq: int) -> None: ...

    def opened(self, view: str) -> None: ...

    def closed(self, view: str) -> None: ...


class Heartbeat(TappedWidget):
    """The invisible widget that answers for a page; it also carries the stylesheet.

    Parameters
    ----------
    viewers : Viewers
        Told of each view and each answer, on the thread that handles the browser's messages.
    names : mapping of str to (str, str), optional
        For each CSS class of an element: its name for screen readers, and its tooltip.
    go : callable, optional
        Called with what an element carries as ``data-gw-go`` when it is clicked, on that thread too.
    places : mapping of str to list of str, optional
        For each CSS class of a slider: what screen readers say at each of its places.
    words : mapping of str to str, optional
        What a page says once its kernel is gone: `state`, `gone` and `remedy`.
    stored : str, optional
        The CSS class of the stored picture that is hidden while a view is shown.
    """

    _esm = script("browser/page/heartbeat")
    _css = stylesheet("trainer/style")

    names = Dict().tag(sync=True)
    places = Dict().tag(sync=True)
    words = Dict().tag(sync=True)
    stored = Unicode().tag(sync=True)

    def __init__(
        self,
        viewers: Viewers,
        names: Mapping[str, tuple[str, str]] | None = None,
        go: Callable[[str], None] | None = None,
        places: Mapping[str, list[str]] | None = None,
        words: Mapping[str, str] | None = None,
        stored: str = "",
    ) -> None:
        self._viewers = viewers
        self._go = go
        super().__init__(
            names={key: list(pair) for key, pair in (names or {}).items()},
            places=dict(places or {}),
            words=dict(words or {}),
            stored=stored,
        )
        self.add_class("gw-heartbeat")
        self.on_msg(self._on_message)

    def beat(self, seq: int) -> None:
        """Ask every view to answer once it has drawn all that was sent before."""
        self.send({"seq": seq})

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "hello" in content:
            self._viewers.hello(str(content["hello"]))
        elif "bye" in content:
            self._viewers.bye(str(content["bye"]))
        elif "ack" in content:
            self._viewers.acknowledge(str(content["view"]), int(content["ack"]))
        elif "open" in content:
            self._viewers.opened(str(content["open"]))
        elif "closed" in content:
            self._viewers.closed(str(content["closed"]))
        elif "go" in content and self._go is not None:
            self._go(str(content["go"]))
