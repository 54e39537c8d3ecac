"""Stops training threads before the interpreter unloads torch."""

from __future__ import annotations

import atexit
import time
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganwidgets.live.worker.worker import Worker

__all__ = ["end_at_exit"]

EXIT_PATIENCE = 5.0
"""Seconds that the interpreter's exit waits for a step to end."""

_LIVE: weakref.WeakSet[Worker] = weakref.WeakSet()


def end_at_exit(core: Worker) -> None:
    """End the thread of `core` when the interpreter exits, unless it has ended before."""
    _LIVE.add(core)


@atexit.register
def _end_all() -> None:
    cores = list(_LIVE)
    for core in cores:
        core.stop(at_exit=True)
    end = time.monotonic() + EXIT_PATIENCE
    for core in cores:
        core.join(max(0.0, end - time.monotonic()))
