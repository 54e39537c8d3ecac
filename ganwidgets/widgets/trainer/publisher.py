"""The only thread that writes the visible state of a widget.

It waits until something happened (an acknowledgement, a view that appeared, a step), then brings
the widget's traits up to date and, if the pacer permits it, takes one frame and draws it on every
panel. The training never waits for it, and it never queues a frame.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

__all__ = ["Publisher"]

_LOG = logging.getLogger(__name__)

PATIENCE = 60.0
"""Maximum seconds that a caller without a timeout waits for the last picture."""

TRAITS_INTERVAL = 0.1
"""Seconds between two updates of the widget's traits during training."""


class Publisher:
    """Runs `tend` and `draw` on a separate thread, as rarely as possible.

    Parameters
    ----------
    tend : callable
        Updates everything except the pictures; returns True while the run trains.
    draw : callable
        Draws one frame if it is due or if the argument is True; returns the seconds until the next can be
        due, or infinity if nothing is to be drawn before a call of :meth:`wake`.
    """

    def __init__(self, tend: Callable[[], bool], draw: Callable[[bool], float]) -> None:
        self._refresh = tend
        self._draw = draw
        self._condition = threading.Condition()
        self._woken = True
        self._stopped = False
        self._asked = 0
        self._answered = 0
        self._thread = threading.Thread(target=self._run, name="ganwidgets-publisher", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Make the publisher check for changes; returns at once, thread-safe."""
        with self._condition:
            self._woken = True
            self._condition.notify_all()

    @property
    def inside(self) -> bool:
        """True on the publisher's own thread."""
        return threading.current_thread() is self._thread

    def flush(self, timeout: float = PATIENCE) -> bool:
        """Wait until everything that had happened before this call is published.

        Parameters
        ----------
        timeout : float
            Maximum seconds to wait, at least 0.

        Returns
        -------
        bool
            False if it was not published in time, and on the publisher's own thread.
        """
        if self.inside:
            return False
        with self._condition:
            self._asked += 1
            mine = self._asked
            self._woken = True
            self._condition.notify_all()
            return self._condition.wait_for(lambda: self._stopped or self._answered >= mine, timeout)

    def stop(self) -> None:
        """Make the thread end, without waiting for it."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def join(self, timeout: float = 5.0) -> None:
        """Wait until the thread has ended, at most `timeout` seconds."""
        if not self.inside:
            self._thread.join(timeout)

    def _run(self) -> None:
        delay = 0.0
        while True:
            with self._condition:
                if not self._woken:
                    self._condition.wait(None if delay == float("inf") else delay)
                if self._stopped:
                    return
                self._woken = False
                asked = self._asked
            began = time.monotonic()
            try:
                running = self._refresh()
                delay = self._draw(asked > self._answered)
            except Exception:  # noqa: BLE001 - a picture must not end the thread that reports failures
                _LOG.exception("a panel could not be drawn")
                running, delay = True, 1.0
            if running:
                delay = min(delay, TRAITS_INTERVAL)
            delay = max(delay, TRAITS_INTERVAL / 5 - (time.monotonic() - began))
            with self._condition:
                self._answered = asked
                self._condition.notify_all()
