"""Commands to a runner."""

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
    """One entry of the queue; `ticket` numbers them in sending order."""

    kind: ClassVar[Kind]
    """The kind of the event that answers it; a :class:`Call` answers its caller."""
    ticket: int = field(default=-1, init=False)


@dataclass(eq=False)
class Play(Command):
    """Train until an iteration is reached or the run is paused."""

    kind = "play"
    until: int | None


@dataclass(eq=False)
class Pause(Command):
    """Stop playing and stepping; cancel earlier commands to train."""

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
    """Restore the last good state."""

    kind = "recover"


@dataclass(eq=False)
class TravelTo(Command):
    """Travel to another place of the run's past or to another branch."""

    kind = "travel"
    journey: Callable[[], None]


@dataclass(eq=False)
class ScrubTo(TravelTo):
    """Travel while the user drags a slider; skipped if a later journey waits."""


@dataclass(eq=False)
class StartWalk(Command):
    """Stop, and begin a walk through the next step, at its first sub-step."""

    kind = "walk"
    network: str
    origin: Origin


@dataclass(eq=False)
class Walk(Command):
    """Advance the current walk, go back, finish its step, or leave it."""

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
    """End the thread after all waiting commands were answered; with `at_exit`, refuse them instead."""

    kind = "close"
    at_exit: bool = False
