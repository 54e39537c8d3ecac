"""Whether a run is in the middle of something, so that nothing else may be begun from inside."""

from __future__ import annotations

import sys
import threading
from types import FrameType

from ganwidgets.messages import Message

__all__ = ["ReentryGuard"]


class ReentryGuard:
    """Remembers who is carrying out a step, or is on the way elsewhere."""

    def __init__(self) -> None:
        self._begun: tuple[int, FrameType] | None = None

    def begin(self, frame: FrameType) -> None:
        """Note that the call of `frame`, on this thread, has begun something."""
        self._begun = threading.get_ident(), frame

    def end(self) -> None:
        """Note that it is over."""
        self._begun = None

    @property
    def under_way(self) -> bool:
        """Whether it has not ended; an interrupt may have kept it from saying so."""
        if self._begun is None:
            return False
        thread, begun = self._begun
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame is not begun:
            frame = frame.f_back
        return frame is not None or thread != threading.get_ident()

    def refuse_reentry(self) -> None:
        """Raise `RuntimeError` where something is under way."""
        if self.under_way:
            raise RuntimeError(
                Message("the trainer is in the middle of a step; a callback cannot step, reset or load it")
            )
