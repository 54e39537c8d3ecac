"""Number of threads of a run.

The number is a fixed function of the networks' size, because it affects the last bits of results. A second thread makes
a small network slower, many times on a busy machine.
"""

from __future__ import annotations

from typing import Any

from torch import nn

__all__ = ["MOST_THREADS", "checked_threads", "threads_for"]

MOST_THREADS = 256
"""Maximum number of threads; a stored run with more is refused."""


def checked_threads(threads: Any) -> int:
    """Return a stored number of threads, or raise `ValueError`."""
    if type(threads) is not int or not 1 <= threads <= MOST_THREADS:
        raise ValueError(f"a run cannot compute with {threads!r} threads")
    return threads


def threads_for(*networks: nn.Module) -> int:
    """Return the number of threads for networks of this size: 1, 2 or 4."""
    parameters = sum(p.numel() for network in networks for p in network.parameters())
    if parameters < 5_000_000:
        return 1
    return 2 if parameters < 50_000_000 else 4
