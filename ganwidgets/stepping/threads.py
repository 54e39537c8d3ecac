"""How many threads a run computes with.

The count is a fixed function of the networks' size, because results depend on it in their last
bits, and because a second thread makes a small network slower, on a busy machine many times.
"""

from __future__ import annotations

from typing import Any

from torch import nn

__all__ = ["MOST_THREADS", "checked_threads", "threads_for"]

MOST_THREADS = 256
"""Threads that a run computes with at most; a stored run that asks for more is refused."""


def checked_threads(threads: Any) -> int:
    """Return a number of threads that was stored, or raise `ValueError`."""
    if type(threads) is not int or not 1 <= threads <= MOST_THREADS:
        raise ValueError(f"a run cannot compute with {threads!r} threads")
    return threads


def threads_for(*networks: nn.Module) -> int:
    """Return the number of threads for networks of this size: 1, 2 or 4."""
    parameters = sum(p.numel() for network in networks for p in network.parameters())
    if parameters < 5_000_000:
        return 1
    return 2 if parameters < 50_000_000 else 4
