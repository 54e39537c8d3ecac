"""What can be asked of a runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from ganwidgets.runs.record.interventions import Origin

Move = Literal["next", "back", "finish", "leave"]

__all__ = [
    "Call",
    "Change",
    "Close",
    "Command",
    "Pause",
    "Play",
    "Recover",
    "Reset",
    "ScrubTo",
    "StartWalk",
    "Step",
    "TravelTo",
    "Walk",
]


@dataclass(eq=False)
class Command:
    """One entry of the queue; `ticket` numbers them in the order in which they were sent."""

    ticket: int = field(default=-1, init=False)


@dataclass(eq=False)
class Play(Command):
    """Let steps follow one another, until an iteration or until a pause."""

    until: int | None


@dataclass(eq=False)
class Pause(Command):
    """Stop playing and stepping; what was to train before this was sent is left out."""


@dataclass(eq=False)
class Step(Command):
    """Carry out `n` steps, or updates of one network."""

    n: int
    network: str
    origin: Origin
    done: int = field(default=0, init=False)


@dataclass(eq=False)
class Reset(Command):
    """Start afresh."""

    seed: int | None
    origin: Origin


@dataclass(eq=False)
class Recover(Command):
    """Go back to the last good state."""


@dataclass(eq=False)
class TravelTo(Command):
    """Stand elsewhere in the run's past or on another branch."""

    journey: Callable[[], None]


@dataclass(eq=False)
class ScrubTo(TravelTo):
    """Stand somewhere to look around; left out where somebody already wants to be elsewhere."""


@dataclass(eq=False)
class StartWalk(Command):
    """Stop, and begin a walk through the next step, at its first sub-step."""

    network: str
    origin: Origin


@dataclass(eq=False)
class Walk(Command):
    """Go on in the walk that was begun, back, to its end, or leave it."""

    move: Move


@dataclass(eq=False)
class Change(Command):
    """Set settings: all of them, or none."""

    values: Mapping[str, Any]
    origin: Origin


@dataclass(eq=False)
class Call(Command):
    """Run a function between two steps."""

    function: Callable[[], Any]
    looks_only: bool
    future: Future[Any] = field(default_factory=Future, init=False)


@dataclass(eq=False)
class Close(Command):
    """End the thread, once everything that waits was answered; `at_exit`, refuse it instead."""

    at_exit: bool = False
