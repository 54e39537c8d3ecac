"""User-defined learning-rate schedules: functions, each registered under a name.

The value of the setting `lr_schedule` is always a name, so a run stores neither code nor pickle. The name ends with a
hash of the function's factors, such as ``"warmup#7d2e8a6cb3a7"``. A loaded run therefore accepts a function only if it
returns the original factors.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import numbers
import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ganwidgets.messages import Message

__all__ = ["Schedule", "factor", "is_name", "is_registered", "register_schedule", "schedule_name"]

Schedule = Callable[..., float]
"""``f(iteration)`` or ``f(iteration, schedule_steps)`` returns the factor of both learning rates."""

DENSE = 10_000
"""Number of first iterations whose factors enter the hash."""

PROBED = (*range(DENSE), *range(DENSE, 500_000, 101), *(10**power for power in range(6, 10)))
"""Further iterations whose factors enter the hash. Functions that agree at all of them are one schedule."""

STEPS = 10_000
"""Values of `schedule_steps` for the hash."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}#[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class _Registered:
    """A function, and its factors at the first iterations; NaN if it failed."""

    function: Schedule
    takes_two: bool
    factors: array[float]


_registered: dict[str, _Registered] = {}


def register_schedule(function: Schedule) -> str:
    """Register a learning-rate schedule; return its name for `lr_schedule` and stored runs.

    ``lr_schedule=function`` registers automatically. In a new process, register the function before loading a run that
    used it, because the function itself is not stored.

    Parameters
    ----------
    function : callable
        ``f(iteration)`` or ``f(iteration, schedule_steps)`` returns the factor for the update after `iteration`, a
        finite number >= 0. Both learning rates are multiplied by it, or by ``schedule_end + (1 - schedule_end) *
        factor`` if `schedule_end` is above 0. It must depend only on its arguments, because a run that goes back in
        time calls it again.

    Returns
    -------
    str
        The function's name and a hash of its factors.

    Raises
    ------
    ValueError
        If it fails at iteration 0, returns an invalid value, or returns two factors for one iteration.

    Examples
    --------
    >>> def warmup(iteration):
    ...     return min(1.0, (iteration + 1) / 500)
    >>> register_schedule(warmup)
    'warmup#7d2e8a6cb3a7'
    """
    takes_two = _takes_two(function)
    call = partial(_factor, function, takes_two)
    first = call(0, STEPS)
    factors = array("d", [first, *(_probed(call, iteration) for iteration in PROBED[1:])])
    again = array("d", [_probed(call, iteration) for iteration in PROBED[:DENSE:100]])
    if again.tobytes() != factors[:DENSE:100].tobytes():
        raise ValueError(_IMPURE)
    plain = re.sub(r"\W+", "_", getattr(function, "__name__", type(function).__name__), flags=re.ASCII)
    plain = plain.strip("_") or "schedule"
    plain = (f"_{plain}" if plain[0].isdigit() else plain)[:40]
    # Rounded to what every platform computes alike.
    values = " ".join(f"{value:.9g}" for value in factors)
    name = f"{plain}#{hashlib.sha256(values.encode()).hexdigest()[:12]}"
    _registered.setdefault(name, _Registered(function, takes_two, factors[:DENSE]))
    return name


def schedule_name(name: str) -> str:
    """Return the user's part of a schedule's name.

    >>> schedule_name("warmup#7d2e8a6cb3a7")
    'warmup'
    """
    return name.partition("#")[0]


def is_registered(name: str) -> bool:
    """Return True if a function is registered under that name."""
    return name in _registered


def is_name(name: str) -> bool:
    """Return True if `name` has the format of :func:`register_schedule`'s names, whether or not it is registered."""
    return _NAME.fullmatch(name) is not None


def factor(name: str, iteration: int, schedule_steps: int) -> float:
    """Return the factor of schedule `name` for the update after `iteration`.

    Raises
    ------
    KeyError
        If no function is registered under this name.
    ValueError
        If the function returns a negative or non-finite number, or another one than when it was registered.
    """
    known = _registered[name]
    value = _factor(known.function, known.takes_two, iteration, schedule_steps)
    comparable = iteration < DENSE and (not known.takes_two or schedule_steps == STEPS)
    if comparable and value != known.factors[iteration]:
        raise ValueError(_IMPURE)
    return value


_IMPURE = Message(
    "the learning-rate schedule returned different factors for the same iteration; it must depend on the iteration "
    "alone, because a run that goes back in time calls it again: set lr_schedule to a function that does"
)


def _factor(function: Schedule, takes_two: bool, iteration: int, schedule_steps: int) -> float:
    found = function(iteration, schedule_steps) if takes_two else function(iteration)
    value = _number(found)
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(
            Message(
                "the learning-rate schedule returned {found} at iteration {iteration}; it must return a finite number "
                "from 0 on, by which both learning rates are multiplied",
                found=repr(found)[:60],
                iteration=iteration,
            )
        )
    return value


def _probed(call: Callable[[int, int], float], iteration: int) -> float:
    """Return a factor; NaN if the function fails, because it may be made for a short run."""
    try:
        return call(iteration, STEPS)
    except Exception:  # noqa: BLE001 - it fails, with the reason, in the step that needs it
        return math.nan


def _number(found: Any) -> float:
    """Return a number, including NumPy scalars and 0-dimensional tensors, as a float; NaN for anything else."""
    if isinstance(found, bool) or not (isinstance(found, numbers.Real) or getattr(found, "ndim", None) == 0):
        return math.nan
    try:
        return float(found)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _takes_two(function: Schedule) -> bool:
    """Return True if `function` requires a second argument."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # some C functions
        return False
    try:
        signature.bind(0)
    except TypeError:
        return True
    return False
