"""Validation of arguments other than settings."""

from __future__ import annotations

import math
import numbers
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ganwidgets.messages import Message

__all__ = [
    "checked_callable",
    "checked_count",
    "checked_path",
    "checked_seed",
    "checked_size",
    "checked_text",
    "checked_timeout",
    "seed_or_new",
]

MOST = 2**63 - 1
"""Largest number of repetitions, and the largest size that torch can count."""

C = TypeVar("C", bound=Callable[..., Any])


def checked_count(n: Any) -> int:
    """Return `n` if it is a valid number of repetitions."""
    if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 0:
        raise ValueError(Message("n cannot be {n!r}: it must be a whole number from 0 on", n=n))
    if int(n) > MOST:
        raise ValueError(Message("n cannot be {n}: it must be a whole number up to {most}", n=n, most=MOST))
    return int(n)


def checked_size(n: Any) -> int:
    """Return `n` if it is a valid number of samples that something is computed of."""
    if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 1:
        raise ValueError(
            Message("{name} cannot be {value!r}: it must be a whole number from 1 on", name="n", value=n)
        )
    if int(n) > MOST:
        raise ValueError(Message("n cannot be {n}: it must be a whole number up to {most}", n=n, most=MOST))
    return int(n)


def checked_text(name: str, text: Any) -> str:
    """Return `text` if it is a string.

    Raises
    ------
    TypeError
        If it is not; the error names the argument and the value.
    """
    if not isinstance(text, str):
        raise TypeError(
            Message(
                "{name} cannot be {value}, which is no text; pass a string", name=name, value=repr(text)[:80]
            )
        )
    return str(text)


def checked_path(name: str, path: Any) -> Path:
    """Return `path` as a path in which ``~`` is the user's home.

    Raises
    ------
    TypeError
        If it is no path; the error names the argument and the value.
    """
    try:
        found = Path(os.fsdecode(path))
    except TypeError as error:
        raise TypeError(
            Message(
                "{name} cannot be {value}, which is no path; pass a string or a pathlib.Path",
                name=name,
                value=repr(path)[:80],
            )
        ) from error
    try:
        return found.expanduser()
    except RuntimeError:  # no home directory is known
        return found


def checked_seed(seed: Any) -> int:
    """Return `seed` if it is a valid seed."""
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral):
        raise ValueError(Message("seed cannot be {seed!r}: it must be a whole number", seed=seed))
    return int(seed)


def checked_timeout(timeout: Any) -> float | None:
    """Return `timeout` in seconds, or None for no limit, if it is a valid timeout.

    Raises
    ------
    ValueError
        If it is neither None nor a non-negative number.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real) or not float(timeout) >= 0:
        raise ValueError(
            Message(
                "timeout cannot be {timeout!r}: it must be a number of seconds from 0 on, or None",
                timeout=timeout,
            )
        )
    return None if math.isinf(timeout) else float(timeout)


def checked_callable(name: str, function: C) -> C:
    """Return `function` if it is callable.

    Raises
    ------
    TypeError
        If it is not; the error names the argument, the value, and what is expected.
    """
    if not callable(function):
        raise TypeError(
            Message(
                "{name} cannot be {value}, which is no function; pass the function itself, without calling it",
                name=name,
                value=repr(function)[:80],
            )
        )
    return function


def seed_or_new(seed: Any) -> int:
    """Return `seed`, or a random one if it is None."""
    return secrets.randbits(63) if seed is None else checked_seed(seed)
