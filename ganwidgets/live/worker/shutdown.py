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


def end_at_exit(worker: Worker) -> None:
    """End the thread of `worker` when the interpreter exits, unless it has ended before."""
    _LIVE.add(worker)


@atexit.register
def _end_all() -> None:
    workers = list(_LIVE)
    for worker in workers:
        worker.stop(at_exit=True)
    end = time.monotonic() + EXIT_PATIENCE
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))
