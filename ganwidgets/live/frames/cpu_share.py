"""CPU share of a thread: run time / (run time + time spent waiting for a processor)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

__all__ = ["CpuShare"]

WAITS = Path("/proc/thread-self/schedstat")
"""File in which Linux reports a thread's run time and waiting time in nanoseconds."""

LEAST = 20_000_000
"""Minimum nanoseconds of running and waiting for one measurement of the share."""

Waits = tuple[int, int]


def _waits() -> Waits:
    run, waited, _ = WAITS.read_text("ascii").split()
    return int(run), int(waited)


class CpuShare:
    """Measures a thread's CPU share: run time / (run time + time spent waiting for a processor).

    Time spent sleeping, or waiting for a lock or a device, does not count. The share is 1 on systems without such
    counters.

    Parameters
    ----------
    waits : callable
        Returns the current thread's run time and waiting time since its start, in nanoseconds.

    Attributes
    ----------
    share : float
        In (0, 1]; measured between the last two calls of :meth:`look`.
    """

    def __init__(self, waits: Callable[[], Waits] = _waits) -> None:
        self.share = 1.0
        self._waits = waits
        self._before: Waits | None = None

    def look(self) -> None:
        """Update the share; call this only on the measured thread."""
        try:
            now = self._waits()
        except (OSError, ValueError):  # not Linux, or no counters
            return
        if self._before is not None:
            run, waited = (new - old for new, old in zip(now, self._before, strict=True))
            if run + waited < LEAST:
                return
            self.share = max(run, 1) / (max(run, 1) + waited)
        self._before = now
