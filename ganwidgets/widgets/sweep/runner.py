"""The thread that steps a sweep while it is watched."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ganwidgets.live.pacing import Pacer, StepRate
from ganwidgets.messages import Message
from ganwidgets.sweeps.sweep import Sweep

__all__ = ["SweepRunner"]

SLICE = 0.05
"""Approximate seconds of steps between two checks of the queue."""

LARGEST_SLICE = 100
"""Maximum number of steps between two checks of the queue."""


class SweepRunner:
    """Steps a sweep on a separate thread, and carries out calls between two slices of steps.

    Parameters
    ----------
    sweep : Sweep
        Its methods may be called from any thread from now on.
    pacer : Pacer
        Decides when a frame is due.
    draw : callable
        Called on this thread when a frame is due.
    changed : callable
        Called on this thread after :attr:`status`, :attr:`error` or the iteration changed.

    Attributes
    ----------
    status : {"idle", "running", "paused", "ended", "error"}
        ``"ended"`` if no run is left to step.
    error : str
        The error that stopped the steps; empty if there was none.
    """

    def __init__(
        self, sweep: Sweep, pacer: Pacer, draw: Callable[[], None], changed: Callable[[], None]
    ) -> None:
        self._sweep, self._pacer = sweep, pacer
        self._draw, self._changed = draw, changed
        self._lock = threading.Condition()
        self._calls: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._until: int | None = None
        self._playing = self._closed = False
        self._stale = True
        self._rate = StepRate()
        self._slice = 1
        self.iteration = sweep.iteration
        self.status, self.error = "idle", ""
        self._thread = threading.Thread(target=self._run, name="ganwidgets-sweep", daemon=True)
        sweep._attach(self.call)
        self._thread.start()

    @property
    def steps_per_second(self) -> float:
        """Full steps a second that every run takes; 0 while nothing runs."""
        return self._rate.value if self._playing else 0.0

    # --- from any thread ------------------------------------------------------------------------

    def call(self, function: Callable[[], Any]) -> Any:
        """Run `function` between two slices of steps, and return its result."""
        if threading.current_thread() is self._thread or self._closed:
            return function()
        return self.post(function).result()

    def post(self, function: Callable[[], Any]) -> Future[Any]:
        """Schedule `function` to run between two slices of steps."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(Message("this widget was closed; gw.SweepWidget(sweep) makes another"))
            self._calls.append((function, future))
            self._lock.notify_all()
        return future

    def play(self, until: int | None = None) -> None:
        """Begin to step all runs, up to an iteration if one is given."""

        def begin() -> None:
            self._playing, self._until = True, until
            self.error = ""
            self._rate.begin(time.monotonic())
            self._say("running")

        self.post(begin)

    def step(self, n: int) -> None:
        """Carry out `n` full steps in every run; an error stops the steps, as while playing."""

        def steps() -> None:
            self.error = ""
            if self._took(n):
                self._say("paused" if self.status in {"error", "ended"} else self.status)

        self.post(steps)

    def pause(self) -> None:
        """Stop stepping."""
        self.post(lambda: self._stop("paused"))

    def wake(self) -> None:
        """Make the thread check again if a frame is due."""
        with self._lock:
            self._lock.notify_all()

    def stale(self) -> None:
        """Mark the last frame as out of date."""
        with self._lock:
            self._stale = True
            self._lock.notify_all()

    def wait(self, iteration: int | None, timeout: float | None) -> None:
        """Wait until the sweep has reached `iteration`; by default, until nothing is queued or playing.

        Raises
        ------
        TimeoutError
            If that takes longer than `timeout` seconds.
        RuntimeError
            If an error stopped the steps.
        """

        def done() -> bool:
            if self._closed or self.status == "error":
                return True
            if iteration is not None and self.iteration >= iteration:
                return True
            return not self._calls and not self._playing

        with self._lock:
            if not self._lock.wait_for(done, timeout):
                raise TimeoutError(
                    Message(
                        "the sweep is at iteration {n} after {timeout:g} s", n=self.iteration, timeout=timeout
                    )
                )
        if self.status == "error":
            raise RuntimeError(self.error)

    def close(self) -> None:
        """End the thread; the calling thread then steps the sweep."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._lock.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)
        self._sweep._attach(None)

    # --- on the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._calls and not self._closed and not self._playing:
                    delay = self._pacer.delay() if self._stale else None
                    self._lock.wait(None if delay is None or delay == float("inf") else max(delay, 0.005))
                if self._closed:
                    for _, future in self._calls:
                        future.cancel()
                    return
                calls = list(self._calls)
            for function, future in calls:
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001 - it is raised where the call came from
                    future.set_exception(error)
                with self._lock:
                    self._calls.popleft()
                    self._stale = True
                    self._lock.notify_all()
            if self._playing:
                self._advance()
            if self._stale and self._pacer.may_send():
                self._stale = False
                try:
                    self._draw()
                except Exception as error:  # noqa: BLE001 - a picture that fails must not end the runs
                    self.error = f"{type(error).__name__}: {error}"
                    self._changed()

    def _advance(self) -> None:
        began = time.perf_counter()
        n = self._slice
        if self._until is not None:
            n = min(n, self._until - self._sweep.iteration)
        if not self._took(n):
            return
        spent = max(time.perf_counter() - began, 1e-6)
        if n == self._slice:
            self._slice = int(min(max(1, self._slice * min(SLICE / spent, 2.0)), LARGEST_SLICE))
        self._rate.note(time.monotonic(), max(n, 0))
        with self._lock:
            self.iteration = self._sweep.iteration
            self._stale = True
            self._lock.notify_all()
        if self._until is not None and self.iteration >= self._until:
            self._stop("paused")

    def _took(self, n: int) -> bool:
        """Carry out `n` full steps in every run; return False after an error, which is a state."""
        try:
            if n > 0:
                self._sweep.step(n)
        except Exception as error:  # noqa: BLE001 - the page shows it
            self.error = str(error.args[0]) if error.args else type(error).__name__
            alive = any(run.status in {"new", "running"} for run in self._sweep.runs)
            self._stop("error" if alive else "ended")
            return False
        return True

    def _stop(self, status: str) -> None:
        self._playing, self._until = False, None
        self._rate.stop()
        self._say(status)

    def _say(self, status: str) -> None:
        with self._lock:
            self.status = status
            self.iteration = self._sweep.iteration
            self._lock.notify_all()
        self._changed()
