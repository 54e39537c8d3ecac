"""Methods with which a cell controls the run of a widget: play, pause, step, reset, wait."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ganwidgets.messages import Message
from ganwidgets.validation import checked_timeout
from ganwidgets.widgets.trainer.publisher import PATIENCE

if TYPE_CHECKING:
    from ganwidgets.live import Pacer, Runner
    from ganwidgets.widgets.browser.kernel.displays import Displays
    from ganwidgets.widgets.trainer.publisher import Publisher

__all__ = ["CLOSED", "Steering"]

CLOSED = Message("this widget was closed; gw.GANTrainerWidget(w.trainer) shows its trainer again")


class Steering:
    """The methods of a widget that queue commands, and :meth:`wait`."""

    _runner: Runner
    _publisher: Publisher
    _pacer: Pacer
    _displays: Displays
    _ended: bool

    def play(self, until: int | None = None) -> None:
        """Train until `until` iterations are reached, or until :meth:`pause`."""
        self._refuse_if_closed()
        self._runner.play(until)
        self._publisher.wake()

    def pause(self) -> None:
        """Stop after the current step."""
        self._refuse_if_closed()
        self._runner.pause()

    def step(self, n: int = 1, network: str = "both") -> None:
        """Carry out `n` full steps, or `n` updates of one player alone, such as ``"generator"``."""
        self._refuse_if_closed()
        self._runner.step(n, network)
        self._publisher.wake()

    def reset(self, seed: int | None = None) -> None:
        """Start afresh with the current settings, including pending ones."""
        self._refuse_if_closed()
        self._runner.reset(seed)

    def recover(self) -> None:
        """Return to the last good state after a failure; settings are kept."""
        self._refuse_if_closed()
        self._runner.recover()

    def wait(self, iteration: int | None = None, timeout: float | None = None) -> None:
        """Wait until `iteration` is reached; by default, until nothing is queued or playing.

        The display and the picture stored in the notebook are updated before this returns. While a page shows
        the widget, the picture is stored later, when the widget is out of sight. Otherwise the page would
        rebuild the widget, and lose zoom, focus and opened parts.

        Parameters
        ----------
        iteration : int, optional
            Full steps since the start of the run.
        timeout : float, optional
            Maximum seconds to wait, for the run and the picture together.

        Raises
        ------
        Exception
            What stopped the run, such as :class:`DivergedError`.
        RuntimeError
            If the run is paused before `iteration`, or if called in a callback on the training thread or the
            publisher's thread, where the wait could not end.
        TimeoutError
            If it takes longer than `timeout`.
        """
        self._refuse_endless_wait()
        timeout = checked_timeout(timeout)
        end = math.inf if timeout is None else time.monotonic() + timeout
        published = False
        # Silence of browsers means nothing if their messages arrive on the waiting thread.
        self._pacer.deaf = True
        try:
            self._runner.wait(iteration, timeout)
        finally:
            self._pacer.deaf = False
            self._displays.stale = True
            published = self._publisher.flush(min(PATIENCE, max(0.0, end - time.monotonic())))
        if timeout is not None and not published:
            raise TimeoutError(
                Message(
                    "after {timeout:g} s the run has arrived at iteration {iteration}, but its picture is not "
                    "drawn yet; wait longer",
                    timeout=timeout,
                    iteration=self._runner.state.iteration,
                )
            )

    def _refuse_endless_wait(self) -> None:
        """Raise `RuntimeError` on the threads that a wait needs, which cannot wait for themselves."""
        self._runner.refuse_inside()
        if self._publisher.inside:
            raise RuntimeError(
                Message(
                    "this would wait for itself here, in the thread that draws the widget; return instead"
                )
            )

    def _refuse_if_closed(self) -> None:
        if self.__dict__.get("_ended", False):
            raise RuntimeError(CLOSED)
