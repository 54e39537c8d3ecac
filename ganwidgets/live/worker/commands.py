"""What can be asked of a runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ganwidgets.live.worker.run_state import Kind
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

    kind: ClassVar[Kind]
    """The kind of the event that answers it; a :class:`Call` answers its caller."""
    ticket: int = field(default=-1, init=False)


@dataclass(eq=False)
class Play(Command):
    """Let steps follow one another, until an iteration or until a pause."""

    kind = "play"
    until: int | None


@dataclass(eq=False)
class Pause(Command):
    """Stop playing and stepping; what was to train before this was sent is left out."""

    kind = "pause"


@dataclass(eq=False)
class Step(Command):
    """Carry out `n` steps, or updates of one network."""

    kind = "step"
    n: int
    network: str
    origin: Origin
    done: int = field(default=0, init=False)


@dataclass(eq=False)
class Reset(Command):
    """Start afresh."""

    kind = "reset"
    seed: int | None
    origin: Origin


@dataclass(eq=False)
class Recover(Command):
    """Go back to the last good state."""

    kind = "recover"


@dataclass(eq=False)
class TravelTo(Command):
    """Stand elsewhere in the run's past or on another branch."""

    kind = "travel"
    journey: Callable[[], None]


@dataclass(eq=False)
class ScrubTo(TravelTo):
    """Stand somewhere to look around; left out where somebody already wants to be elsewhere."""


@dataclass(eq=False)
class StartWalk(Command):
    """Stop, and begin a walk through the next step, at its first sub-step."""

    kind = "walk"
    network: str
    origin: Origin


@dataclass(eq=False)
class Walk(Command):
    """Go on in the walk that was begun, back, to its end, or leave it."""

    kind = "walk"
    move: Move


@dataclass(eq=False)
class Change(Command):
    """Set settings: all of them, or none."""

    kind = "change"
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

    kind = "close"
    at_exit: bool = False
