"""Memory for intermediate results."""

from __future__ import annotations

import functools

import torch

__all__ = ["keep_memory"]

KEPT = 31 * 2**20
"""Size in bytes of the largest block to keep; glibc never keeps blocks above 32 MiB."""


@functools.cache
def keep_memory() -> None:
    """Make glibc's `malloc` keep freed blocks of up to :data:`KEPT` bytes instead of returning them to the system.

    glibc raises its threshold to the size of a large block when that block is freed; see mallopt(3). Below the threshold,
    PyTorch gets the memory of an earlier result again. Above it, the system provides new pages for each result, about
    400 in a step of 64 small runs, which took a tenth of that step. No number changes.
    """
    torch.empty(KEPT, dtype=torch.uint8)
