"""Views of a widget, and the frames that each has painted.

The kernel sends a number after each frame that needs an acknowledgement. Every view of the heartbeat replies
from the browser's drawing loop two animation frames later, when ipycanvas and bqplot have drawn everything
sent before. A slow page replies late; a hidden or closed page does not reply.

From the browser: ``{"open": view}`` when a page creates a view, ``{"closed": view}`` when the view is removed
or its page is left, ``{"hello": view}`` when a view appears or becomes visible again, ``{"bye": view}`` when
it is removed, hidden or scrolled out of sight, ``{"ack": seq, "view": view}`` when frame number `seq` was
drawn, ``{"go": where}`` when an element with ``data-gw-go`` was clicked. To the browser: ``{"seq": seq}``.
Messages of one kernel arrive in order. No message touches a trait, so a publishing thread and the browser's
events cannot race.

The script also sets accessible names and tooltips of the other widgets' elements, because ipywidgets cannot
name a slider or a canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from traitlets import Dict, Unicode

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.tapped import TappedWidget

__all__ = ["Heartbeat", "NullViewListener", "ViewListener", "gone_words"]


def gone_words(catalog: Catalog, run: Path | None = None) -> dict[str, str]:
    """Return the texts of a page without a kernel; `run` is the folder of the run."""
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


class ViewListener(Protocol):
    """Listener to a widget's views and to their acknowledgements."""

    def hello(self, view: str) -> None:
        """Handle a view on which the panels became visible."""

    def bye(self, view: str) -> None:
        """Handle a view on which the panels are no longer visible."""

    def acknowledge(self, view: str, seq: int) -> None:
        """Handle the acknowledgement of frame `seq` by a view."""

    def opened(self, view: str) -> None:
        """Handle the creation of a view, visible or not."""

    def closed(self, view: str) -> None:
        """Handle the removal of a view."""


class NullViewListener:
    """Listener for a widget that streams no frames; ignores everything."""

    def hello(self, view: str) -> None: ...

    def bye(self, view: str) -> None: ...

    def acknowledge(self, view: str, seq: int) -> None: ...

    def opened(self, view: str) -> None: ...

    def closed(self, view: str) -> None: ...


class Heartbeat(TappedWidget):
    """Invisible widget that acknowledges frames for a page; it also brings the stylesheet.

    Parameters
    ----------
    listener : ViewListener
        Its methods are called for each view and each acknowledgement, on the thread that handles the
        browser's messages.
    names : mapping of str to (str, str), optional
        Accessible name and tooltip of elements, by CSS class.
    go : callable, optional
        Called with the attribute ``data-gw-go`` of a clicked element, on the same thread.
    places : mapping of str to list of str, optional
        Texts of a slider's positions for screen readers, by CSS class.
    words : mapping of str to str, optional
        Texts of a page without a kernel: `state`, `gone` and `remedy`.
    stored : str, optional
        CSS class of the stored picture that is hidden while a view is shown.
    """

    _esm = script("browser/page/heartbeat")
    _css = stylesheet("trainer/style")

    names = Dict().tag(sync=True)
    places = Dict().tag(sync=True)
    words = Dict().tag(sync=True)
    stored = Unicode().tag(sync=True)

    def __init__(
        self,
        listener: ViewListener,
        names: Mapping[str, tuple[str, str]] | None = None,
        go: Callable[[str], None] | None = None,
        places: Mapping[str, list[str]] | None = None,
        words: Mapping[str, str] | None = None,
        stored: str = "",
    ) -> None:
        self._listener = listener
        self._go = go
        super().__init__(
            names={key: list(pair) for key, pair in (names or {}).items()},
            places=dict(places or {}),
            words=dict(words or {}),
            stored=stored,
            _dom_classes=("gw-heartbeat",),
        )
        self.on_msg(self._on_message)

    def beat(self, seq: int) -> None:
        """Make every view acknowledge frame `seq` once it has drawn everything sent before."""
        self.send({"seq": seq})

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if "hello" in content:
            self._listener.hello(str(content["hello"]))
        elif "bye" in content:
            self._listener.bye(str(content["bye"]))
        elif "ack" in content:
            self._listener.acknowledge(str(content["view"]), int(content["ack"]))
        elif "open" in content:
            self._listener.opened(str(content["open"]))
        elif "closed" in content:
            self._listener.closed(str(content["closed"]))
        elif "go" in content and self._go is not None:
            self._go(str(content["go"]))
