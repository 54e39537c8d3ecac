"""Background requests of viewers; only the latest of each kind runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

__all__ = ["LatestOnlyTasks"]

Request = Callable[[], None]
Failed = Callable[[Exception], None]

logger = logging.getLogger("ganwidgets")


class LatestOnlyTasks:
    """Runs requests one after the other, on a thread that ends when none is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[str, tuple[Request, Failed]] = {}
        self._failures: dict[str, str] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def ask(self, kind: str, request: Request, failed: Failed = lambda _: None) -> None:
        """Schedule `request`; it replaces a pending request of the same kind. Returns at once; thread-safe.

        Parameters
        ----------
        kind : str
            Kind of the request; only the latest of a kind runs.
        request : callable
        failed : callable
            Called with the exception of a failed request, on the same thread.
        """
        with self._lock:
            if self._closed:
                return
            self._requests.pop(kind, None)
            self._requests[kind] = request, failed
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ganwidgets-requests", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Drop pending requests, and refuse later ones; does not wait."""
        with self._lock:
            self._closed = True
            self._requests.clear()

    def join(self, timeout: float = 5.0) -> None:
        """Wait until the thread has ended, at most `timeout` seconds."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def settle(self) -> None:
        """Wait until no request is left."""
        while (thread := self._thread) is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._requests:
                    self._thread = None
                    return
                kind = next(iter(self._requests))
                request, failed = self._requests.pop(kind)
            try:
                request()
                self._failures.pop(kind, None)
            except Exception as error:  # noqa: BLE001 - any exception of a network goes to the requester
                self._fail(kind, failed, error)

    def _fail(self, kind: str, failed: Failed, error: Exception) -> None:
        """Report a failure to the requester; log it if it differs from the last one."""
        message = f"{type(error).__name__}: {error}"
        if self._closed:
            return
        if self._failures.get(kind) != message:
            logger.error("a background request (%s) failed", kind, exc_info=error)
        self._failures[kind] = message
        failed(error)
