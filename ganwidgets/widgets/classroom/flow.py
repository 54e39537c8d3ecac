"""How far the frames of one client may be ahead of what it has drawn.

A client acknowledges a frame when the server asks for it, and gets no further frame before. Each acknowledgement costs
the kernel as much as sending the frame. So a client that answers quickly is asked at every second frame, then at every
fourth, up to every :data:`MOST`. After one late answer it is asked at each frame again.
"""

from __future__ import annotations

__all__ = ["Flow"]

QUICK = 0.15
"""Maximum seconds of a quick answer; shorter than the interval of frames, so that none is left out."""

MOST = 5
"""Number of frames that a client may be behind: those of one second."""


class Flow:
    """The frames that were sent to one client, and its answers; times are in seconds."""

    def __init__(self) -> None:
        self._trust = 1
        self._unasked = 0
        self._asked_at: float | None = None

    @property
    def open(self) -> bool:
        """True if the client may get another frame."""
        return self._asked_at is None

    def asks(self) -> bool:
        """Return True if the client must acknowledge the next frame."""
        return self._unasked + 1 >= self._trust

    def sent(self, now: float) -> None:
        """Record that the next frame was sent; it had to be acknowledged if :meth:`asks` returned True."""
        if self.asks():
            self._unasked, self._asked_at = 0, now
        else:
            self._unasked += 1

    def acknowledged(self, now: float) -> None:
        """Record an answer; without a question it counts nothing."""
        if self._asked_at is not None:
            self._trust = min(MOST, 2 * self._trust) if now - self._asked_at <= QUICK else 1
            self._asked_at = None
