"""Detection of reentrant calls of a session."""

from __future__ import annotations

import sys
import threading
from types import FrameType

from ganwidgets.messages import Message

__all__ = ["ReentryGuard"]


class ReentryGuard:
    """Tracks the call that currently steps or moves the session."""

    def __init__(self) -> None:
        self._begun: tuple[int, FrameType] | None = None

    def begin(self, frame: FrameType) -> None:
        """Record that the call of `frame`, on this thread, has begun."""
        self._begun = threading.get_ident(), frame

    def end(self) -> None:
        """Record that it has ended."""
        self._begun = None

    @property
    def under_way(self) -> bool:
        """True if it is still running; an interrupt may have prevented :meth:`end`."""
        if self._begun is None:
            return False
        return self.inside or self._begun[0] != threading.get_ident()

    @property
    def inside(self) -> bool:
        """True if the running call called this code, as it calls a callback."""
        if self._begun is None:
            return False
        begun = self._begun[1]
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame is not begun:
            frame = frame.f_back
        return frame is not None

    def refuse_reentry(self) -> None:
        """Raise `RuntimeError` if a call is running."""
        if self.under_way:
            raise _reentered()

    def refuse_callback(self) -> None:
        """Raise `RuntimeError` in a callback of the running call, which would wait for itself."""
        if self.inside:
            raise _reentered()


def _reentered() -> RuntimeError:
    return RuntimeError(
        Message("the trainer is in the middle of a step; a callback cannot step, reset or load it")
    )
