"""State and events that a runner publishes."""

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
    """State of a run between two steps; immutable.

    Attributes
    ----------
    status : str
        ``"idle"`` (nothing has run yet), ``"running"``, ``"paused"``, ``"diverged"`` (a value was not finite)
        or ``"error"`` (an exception; both in `error`).
    playing : bool
        True if it trains until the user pauses.
    iteration : int
        Full steps carried out since the start of the run.
    steps_per_second : float
        Averaged over about a second; 0 while nothing runs.
    record : mapping of str to float
        Values of the last updates; empty before the first.
    error : BaseException or None
        What stopped the run; kept until the run continues, is reset or recovered.
    changes : int
        Number of changes of settings since the runner started.
    moves : int
        Increases whenever the networks may have changed, even if `iteration` does not. While it is equal, pictures stay
        valid.
    unstored : BaseException or None
        Why the run's folder cannot be written; the run continues, and storing is retried.
    walk : SubStep or None
        Current sub-step of a walk through the next step; see :meth:`ganwidgets.GANTrainer.walk`.
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
    """Result of one command, or (``"state"``) an event without a command.

    Every command except a call is answered by exactly one event; a call is answered by its result.

    Attributes
    ----------
    kind : str
        The command; ``"state"`` if a run reached its end or failed, or if a call from another thread changed something.
    state : RunState
        State right after it.
    ticket : int or None
        Ticket of the command; None for ``"state"``.
    asked : mapping
        The requested settings and values.
    changes : mapping of str to (old, new)
        Old and new value of each setting that was set.
    waiting : frozenset of str
        Settings that queued changes will set: controls should not revert these to `changes`.
    steps : int
        Number of steps of a ``"step"`` command, fewer than requested if it was interrupted.
    error : BaseException or None
        Why the command was refused or failed.
    notice : str
        Text for the user: what a recovery did besides restoring the last good state.
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
        """The iteration after which the command took effect."""
        return self.state.iteration
