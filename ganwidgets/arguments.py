"""What calls are given besides settings, checked."""

from __future__ import annotations

import numbers
import secrets
from typing import Any

from .messages import Message

__all__ = ["checked_count", "checked_seed", "seed_or_new"]


def checked_count(n: Any) -> int:
    """Return `n`, if it can be how many times something is to be done."""
    if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 0:
        raise ValueError(Message("n cannot be {n!r}: it must be a whole number from 0 on", n=n))
    return int(n)


def checked_seed(seed: Any) -> int:
    """Return `seed`, if it can be one."""
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral):
        raise ValueError(Message("seed cannot be {seed!r}: it must be a whole number", seed=seed))
    return int(seed)


def seed_or_new(seed: Any) -> int:
    """Return `seed`, or one that differs each time where it is None."""
    return secrets.randbits(63) if seed is None else checked_seed(seed)
