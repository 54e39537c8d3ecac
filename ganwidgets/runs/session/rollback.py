"""Rollback to the last good state after a failed step, and periodic snapshots.

A :class:`~ganwidgets.runs.session.undo_copy.UndoCopy` copies the state after every update, so that a failed update is
undone without recomputation. Snapshots every :data:`SNAPSHOT_EVERY` updates let
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
from ganwidgets.stepping.modules.tensors import all_finite
from ganwidgets.stepping.state import TrainingState

__all__ = ["Rollback", "Update", "diverged"]

SNAPSHOT_EVERY = 100
"""Number of updates between two snapshots, the maximum to recompute in time travel."""

SHARE = 0.03
"""Maximum share of the updates' time for snapshots; if they would take more, they become rarer."""

RAREST = 10
"""Maximum factor by which they become rarer."""

LARGE = 100_000
"""Minimum number of parameters for which a snapshot may take long compared with an update."""


class Update(NamedTuple):
    """One completed full step or update of one player."""

    action: str
    """``step_<letter>`` of the player; empty for a full step."""
    origin: Origin
    iteration: int
    """Place of the run afterwards."""
    samples_seen: int = 0
    hash_before: str = ""
    """Hash and reader of the state before it, used if it begins an intervention."""

    def record_in(self, log: InterventionLog) -> None:
        """Record it in `log` if it is an intervention; full steps are not."""
        if self.action:
            log.act(self.iteration, self.action, 1, self.origin, self.samples_seen, self.hash_before)


def diverged(error: NonFiniteError, rules: Any, state: TrainingState) -> DivergedError:
    """Return the exception for `error`, for a run restored to `state` with settings `rules`."""
    rates = [f"lr_{player.letter}" for player in state.game.players]
    sentence = Message(
        "{quantity} became {value} after iteration {iteration}; the run is there, before it "
        "happened. Lower {rates}, set grad_clip, or reset",
        quantity=error.quantity,
        value=str(error.value),
        iteration=state.iteration,
        rates=" / ".join(f"{name} (now {getattr(rules, name):g})" for name in rates),
    )
    if (unusable := _not_finite_from_the_start(state)) is not None:
        sentence = Message(
            "{quantity} became {value} because {parameter} holds numbers that are not finite from the start; initialize it "
            "and begin a new run",
            quantity=error.quantity,
            value=str(error.value),
            parameter=unusable,
        )
    elif not state.samples_seen:
        sentence = Message(
            "{sentence}. If lower rates do not help, look for a division by 0, the logarithm of 0 or overflowing numbers in the "
            "networks, and for samples of extreme size in the data",
            sentence=sentence,
        )
    return DivergedError(sentence, state.iteration)


def _not_finite_from_the_start(state: TrainingState) -> str | None:
    """Return the name of a parameter that is not finite although the last good state was restored."""
    return next(
        (
            f"{name}.{path}"
            for name, network in state.networks.items()
            for path, parameter in network.named_parameters()
            if not all_finite([parameter])
        ),
        None,
    )


class Rollback:
    """Restores the state after the last completed update, and takes periodic snapshots.

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
        """Return True if the current state is finite."""
        return self._journal.finite()

    def begin(self) -> None:
        """Take the current state as the last good one if there is none, before settings take effect."""
        if not self.begun:
            self.take()

    def take(self) -> None:
        """Take the current state as the last good one, and keep a snapshot of it."""
        self._journal.copy()
        self.begun = True
        self._snapshot()

    def before(self) -> None:
        """Record the start of an update."""
        self._journal.begin_update()
        self._began = time.perf_counter()

    def elapsed(self) -> float:
        """Return the seconds since the start of the current update."""
        return time.perf_counter() - self._began

    def put_back(self) -> None:
        """Record that the last good state was restored, in other tensors."""
        if self.begun:
            self._journal.copy()

    def note(self, updates: int = 1) -> None:
        """Record that updates are complete, and in the log.

        Raises
        ------
        NonFiniteError
            If something in the state is not finite.
        """
        self._journal.write()
        self._updates += updates
        self._spent += time.perf_counter() - self._began

    def snapshot(self) -> None:
        """Take a snapshot if one is due after the last update."""
        if self._updates >= SNAPSHOT_EVERY and self._affordable():
            self._snapshot()

    def _snapshot(self) -> None:
        began = time.perf_counter()
        self._keep(copied(state_tree(self._state)))
        self._copying, self._spent, self._updates = time.perf_counter() - began, 0.0, 0

    def _affordable(self) -> bool:
        """Return True if another snapshot takes a small share of the updates' time since the last one.

        A GPU may carry out a hundred updates in less time than copying all weights and optimizer states to the host
        takes. Snapshots of small networks are always affordable.
        """
        affordable = self._copying <= SHARE * self._spent or self._updates >= RAREST * SNAPSHOT_EVERY
        return not self._large or affordable

    def go_back(self) -> None:
        """Restore the state after the last completed update that left everything finite.

        It may be called again after an interrupt. The caller must then configure the optimizers again.
        """
        self._journal.undo()
