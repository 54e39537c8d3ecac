"""What a dashboard needs of its panels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

import ipywidgets

__all__ = ["Panel", "Preparing", "descendants", "needs_of"]


class Panel(Protocol):
    """A part of the widget that draws one aspect of a frame.

    A panel may also have `needs`: the names of :data:`ganwidgets.live.observations.OBSERVATIONS` that it needs in frames;
    `class_needs`: those of them that it needs for the pages of a class; and `names`: for the CSS class of each of its inputs,
    the name for screen readers and the tooltip.
    """

    name: str
    interval: float
    widget: ipywidgets.DOMWidget

    def draw(self, frame: Any) -> None:
        """Show `frame`; called by the publisher's thread only."""


@runtime_checkable
class Preparing(Protocol):
    """A panel whose drawings take long to compute.

    All panels compute first and send afterwards: the browser begins to draw when the first drawing arrives, and may then need
    the processor that computes the others.
    """

    def prepared(self, frame: Any) -> Callable[[], None]:
        """Compute the drawing of `frame`; return the function that sends it."""


def needs_of(panels: Iterable[Panel], kind: str = "needs") -> frozenset[str]:
    """Return the observations that any of `panels` needs; `kind` is ``"needs"`` or ``"class_needs"``."""
    return frozenset[str]().union(*(getattr(panel, kind, getattr(panel, "needs", ())) for panel in panels))


def descendants(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """Yield a widget and all in it, children before their parents."""
    for child in getattr(widget, "children", ()):
        yield from descendants(child)
    yield widget
