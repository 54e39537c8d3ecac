"""Forwards the acknowledgements of views to the pacer."""

from __future__ import annotations

from collections.abc import Callable

from ganwidgets.live import Pacer

__all__ = ["Acknowledgements"]


class Acknowledgements:
    """Passes on to the pacer what views say, and wakes the publisher.

    Parameters
    ----------
    pacer : Pacer
        Decides when the next frame may go out.
    wake : callable
        Called after each word of a view that can see the panels.
    unseen : callable
        Called once no view can see them any more.
    left : callable
        Called once no page holds a view any more.

    Attributes
    ----------
    held : bool
        Whether a page holds a view, seen or not.
    was_held : bool
        Whether a page ever did.
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
        """Note that a page holds `view`, seen or not."""
        self._views.add(view)
        self.was_held = True

    def closed(self, view: str) -> None:
        """Note that `view` is gone."""
        self._views.discard(view)
        if not self._views:
            self._left()

    def hello(self, view: str) -> None:
        """Note that `view` can see the panels."""
        self._pacer.hello(view)
        self._wake()

    def bye(self, view: str) -> None:
        """Note that `view` cannot see them any more."""
        self._pacer.bye(view)
        if not self._pacer.watched:
            self._unseen()

    def acknowledge(self, view: str, seq: int) -> None:
        """Note that `view` has drawn frame `seq`."""
        self._pacer.acknowledge(view, seq)
        self._wake()
