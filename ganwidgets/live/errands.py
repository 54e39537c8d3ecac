"""What people ask for while they watch, done aside: of each kind only the newest wish counts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

__all__ = ["Errands"]

logger = logging.getLogger("ganwidgets")


class Errands:
    """Carries out wishes one after the other, on a thread of its own that ends when there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wishes: dict[str, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def ask(self, kind: str, wish: Callable[[], None]) -> None:
        """Carry out `wish` soon; one of the same kind that has not begun is left out. Quick, from any thread."""
        with self._lock:
            if self._closed:
                return
            self._wishes.pop(kind, None)
            self._wishes[kind] = wish
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ganwidgets-errands", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Leave out what has not begun, and wait for what has."""
        with self._lock:
            self._closed = True
            self._wishes.clear()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)

    def settle(self) -> None:
        """Wait until there is nothing left to do."""
        while (thread := self._thread) is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._wishes:
                    self._thread = None
                    return
                kind = next(iter(self._wishes))
                wish = self._wishes.pop(kind)
            try:
                wish()
            except Exception:
                logger.exception("what was asked for (%s) could not be done", kind)
