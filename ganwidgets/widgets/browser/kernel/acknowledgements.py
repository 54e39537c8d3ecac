"""Forwards the acknowledgements of views to the pacer."""

from __future__ import annotations

from collections.abc import Callable

from ganwidgets.live import Pacer

__all__ = ["Acknowledgements"]


class Acknowledgements:
    """Forwards messages of views to the pacer, and wakes the publisher.

    Parameters
    ----------
    pacer : Pacer
        Decides when the next frame may be sent.
    wake : callable
        Called after each message of a view on which the panels are visible.
    unseen : callable
        Called when the panels are no longer visible on any view.
    left : callable
        Called when no page has a view any more.

    Attributes
    ----------
    held : bool
        True if a page has a view, visible or not.
    was_held : bool
        True if a page has ever had one.
    """

    def __init__(
        self,
        pacer: Pacer,
        wake: Callable[[], None],
        unseen: Callable[[], None],
        left: Callable[[], None],
    ) -> None:
        self._pacer = pacer
        self._wake = wake
        self._unseen = unseen
        self._left = left
        self._views: set[str] = set()
        self.was_held = False

    @property
    def held(self) -> bool:
        return bool(self._views)

    def opened(self, view: str) -> None:
        """Handle the creation of a view, visible or not."""
        self._views.add(view)
        self.was_held = True

    def closed(self, view: str) -> None:
        """Handle the removal of a view."""
        self._views.discard(view)
        if not self._views:
            self._left()

    def hello(self, view: str) -> None:
        """Handle a view on which the panels became visible."""
        self._pacer.hello(view)
        self._wake()

    def bye(self, view: str) -> None:
        """Handle a view on which the panels are no longer visible."""
        self._pacer.bye(view)
        if not self._pacer.watched:
            self._unseen()

    def acknowledge(self, view: str, seq: int) -> None:
        """Handle the acknowledgement of frame `seq` by a view."""
        self._pacer.acknowledge(view, seq)
        self._wake()
