"""What a runner tells others: how things stand, and what became of each command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ganwidgets.runs.inspect.substeps import SubStep

__all__ = ["Event", "Kind", "RunState", "Status"]

Status = Literal["idle", "running", "paused", "diverged", "error"]

Kind = Literal["play", "pause", "step", "reset", "recover", "travel", "walk", "change", "close", "state"]


@dataclass(frozen=True)
class RunState:
    """How a run stands between two steps; a snapshot that never changes.

    Attributes
    ----------
    status : str
        ``"idle"`` (nothing has run yet), ``"running"``, ``"paused"``, ``"diverged"`` (a number was
        not finite) or ``"error"`` (an exception; both in `error`).
    playing : bool
        Whether steps follow one another until somebody pauses.
    iteration : int
        Full steps carried out since the start of the run.
    steps_per_second : float
        Smoothed over about a second; 0 while nothing runs.
    record : mapping of str to float
        The numbers of the last updates; empty before the first.
    error : BaseException or None
        What stopped the run; kept until the run goes on, is reset or recovered.
    changes : int
        How many changes of settings took force since the runner started.
    moves : int
        Grows whenever the networks may have changed, also where `iteration` does not; while it is
        the same, a picture need not be drawn again.
    unstored : BaseException or None
        Why what is new cannot be stored in the run's folder; the run goes on, and storing is tried again.
    walk : SubStep or None
        Where somebody stands who walks through the next step; see :meth:`ganwidgets.GANTrainer.walk`.
    """

    status: Status = "idle"
    playing: bool = False
    iteration: int = 0
    steps_per_second: float = 0.0
    record: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    error: BaseException | None = None
    changes: int = 0
    moves: int = 0
    unstored: BaseException | None = None
    walk: SubStep | None = None


@dataclass(frozen=True)
class Event:
    """What became of one command, or (``"state"``) something that happened by itself.

    Every command but a call is answered by exactly one event; a call is answered by its result.

    Attributes
    ----------
    kind : str
        The command; ``"state"`` where a run reached its end or failed by itself, or a call from
        another thread changed something.
    state : RunState
        How things stand right after it.
    ticket : int or None
        The number that the sender was given; None for ``"state"``.
    asked : mapping
        The settings that a change was to set, and to what.
    changes : mapping of str to (old, new)
        For each setting that was set, its value before and now.
    waiting : frozenset of str
        Settings that a change still in the queue is going to set: what is shown to people should
        not yet go back to `changes`.
    steps : int
        The steps that a ``"step"`` command carried out, fewer than asked for if it was cut short.
    error : BaseException or None
        Why the command was refused or failed.
    notice : str
        What a recovery did beyond going back to the last good state, for people to read.
    """

    kind: Kind
    state: RunState
    ticket: int | None = None
    asked: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=lambda: MappingProxyType({}))
    waiting: frozenset[str] = frozenset()
    steps: int = 0
    error: BaseException | None = None
    notice: str = ""

    @property
    def iteration(self) -> int:
        """The iteration after which the command took force."""
        return self.state.iteration
