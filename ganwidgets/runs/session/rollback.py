"""The way back to the last good state, after a failure in the middle of a step, and snapshots of the past.

Two copies serve two purposes. A :class:`~ganwidgets.runs.session.undo_copy.UndoCopy` copies the state after every update, so
that an update that fails is undone without computing anything again. A snapshot every so many updates lets
:mod:`~ganwidgets.runs.timeline.travel` reach the past.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from ganwidgets.errors import DivergedError
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import InterventionLog, Origin
from ganwidgets.runs.session.undo_copy import UndoCopy
from ganwidgets.runs.state.state_tree import copied, state_tree
from ganwidgets.stepping.engine import Engine, NonFiniteError
from ganwidgets.stepping.state import TrainingState

__all__ = ["Rollback", "Update", "diverged"]

SNAPSHOT_EVERY = 100
"""Updates between two snapshots, which is how many a way back through the past repeats at most."""

SHARE = 0.03
"""The largest share of the updates' time that snapshots may take; where they would take more, they are rarer."""

RAREST = 10
"""They are at most so many times as far apart."""

LARGE = 100_000
"""Parameters from which on a snapshot may take long beside an update."""


class Update(NamedTuple):
    """One full step or one update of one player, that was carried out."""

    action: str
    """``step_<letter>`` of the player; empty for a full step."""
    origin: Origin
    iteration: int
    """Where the run stood afterwards."""
    samples_seen: int = 0
    hash_before: str = ""
    """Before it; both are asked for where it begins an intervention."""

    def record_in(self, log: InterventionLog) -> None:
        """Record it in `log`, if it is an intervention: full steps are not."""
        if self.action:
            log.act(self.iteration, self.action, 1, self.origin, self.samples_seen, self.hash_before)


def diverged(error: NonFiniteError, rules: Any, state: TrainingState) -> DivergedError:
    """Return what to raise because of `error`, for a run that is back at `state` and obeyed `rules`."""
    rates = [f"lr_{player.letter}" for player in state.game.players]
    return DivergedError(
        Message(
            "{quantity} became {value} after iteration {iteration}; the run stands there, before it "
            "happened. Lower {rates}, set grad_clip, or reset",
            quantity=error.quantity,
            value=str(error.value),
            iteration=state.iteration,
            rates=" / ".join(f"{name} (now {getattr(rules, name):g})" for name in rates),
        ),
        state.iteration,
    )


class Rollback:
    """Goes back to the state after the last completed update, and takes snapshots of the past now and then.

    Parameters
    ----------
    engine : Engine
        Carries out the updates; its state is copied and put back.
    log : InterventionLog
        Goes back together with the state.
    keep : callable
        Keeps a copy of the state as a snapshot; the copy must not be changed.

    Attributes
    ----------
    begun : bool
        True if there is a state to go back to.
    """

    def __init__(self, engine: Engine, log: InterventionLog, keep: Callable[[dict[str, Any]], None]) -> None:
        self._keep = keep
        self._state = engine.state
        self._journal = UndoCopy(engine, log)
        parameters = (p for network in self._state.parameters.values() for p in network)
        self._large = sum(map(Tensor.numel, parameters)) >= LARGE
        self._updates = 0
        self._began = self._spent = self._copying = 0.0
        self.begun = False

    def finite(self) -> bool:
        """Return True if the state as it is now is finite."""
        return self._journal.finite()

    def begin(self) -> None:
        """Let the state as it is now be the one to go back to, if there is none, before settings take force."""
        if not self.begun:
            self.take()

    def take(self) -> None:
        """Let the state as it is now be the one to go back to, whatever changed it, and keep a snapshot of it."""
        self._journal.copy()
        self.begun = True
        self._snapshot()

    def before(self) -> None:
        """Note that an update begins."""
        self._journal.begin_update()
        self._began = time.perf_counter()

    def elapsed(self) -> float:
        """Return the seconds since the update under way began."""
        return time.perf_counter() - self._began

    def put_back(self) -> None:
        """Note that the state after the last update was put back, in other tensors."""
        if self.begun:
            self._journal.copy()

    def note(self, updates: int = 1) -> None:
        """Note that so many updates are complete, and in the log.

        Raises
        ------
        NonFiniteError
            If something in the state is not finite.
        """
        self._journal.write()
        self._updates += updates
        self._spent += time.perf_counter() - self._began

    def snapshot(self) -> None:
        """Keep a snapshot, if one is due after the last update."""
        if self._updates >= SNAPSHOT_EVERY and self._affordable():
            self._snapshot()

    def _snapshot(self) -> None:
        began = time.perf_counter()
        self._keep(copied(state_tree(self._state)))
        self._copying, self._spent, self._updates = time.perf_counter() - began, 0.0, 0

    def _affordable(self) -> bool:
        """Return True if another snapshot takes a small share of the time of the updates since the last one.

        A GPU may carry out a hundred updates in less time than it takes to bring all weights and the optimizers'
        memories to the computer's memory, and from there to its disk. Small networks are not asked: their snapshots
        cost next to nothing.
        """
        affordable = self._copying <= SHARE * self._spent or self._updates >= RAREST * SNAPSHOT_EVERY
        return not self._large or affordable

    def go_back(self) -> None:
        """Go back to the state after the last completed update that left everything finite.

        It may be called again if interrupted. The optimizers are then to be configured anew.
        """
        self._journal.undo()
