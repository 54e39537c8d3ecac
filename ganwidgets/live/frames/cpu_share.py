"""How much of the processor a thread gets of what it could use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

__all__ = ["CpuShare"]

WAITS = Path("/proc/thread-self/schedstat")
"""Where Linux tells the nanoseconds for which a thread has run, and for which it waited for a processor."""

LEAST = 20_000_000
"""Nanoseconds of running and waiting of which a share is told at least."""

Waits = tuple[int, int]


def _waits() -> Waits:
    run, waited, _ = WAITS.read_text("ascii").split()
    return int(run), int(waited)


class CpuShare:
    """Tells what share of the processor a thread got, of the time in which it wanted to run.

    A thread that sleeps, or waits for a lock or a device, wants none. 1 where a system does not tell.

    Parameters
    ----------
    waits : callable
        Returns for the current thread nanoseconds since its start: for which it ran, and for which it waited for a
        processor.

    Attributes
    ----------
    share : float
        In (0, 1]; of about the time between the last two calls of :meth:`look`.
    """

    def __init__(self, waits: Callable[[], Waits] = _waits) -> None:
        self.share = 1.0
        self._waits = waits
        self._before: Waits | None = None

    def look(self) -> None:
        """Bring the share up to date; always to be called on the thread that it is about."""
        try:
            now = self._waits()
        except (OSError, ValueError):  # another system, or one that does not count
            return
        if self._before is not None:
            run, waited = (new - old for new, old in zip(now, self._before, strict=True))
            if run + waited < LEAST:
                return
            self.share = max(run, 1) / (max(run, 1) + waited)
        self._before = now
