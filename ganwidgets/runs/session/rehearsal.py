"""Undo of updates that were carried out only for inspection."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch

from ganwidgets.runs.state.state_tree import copied, put_tree, state_tree
from ganwidgets.stepping.engine import Engine
from ganwidgets.stepping.observers import NullObserver

if TYPE_CHECKING:
    from ganwidgets.runs.session.session import Session

__all__ = ["Rehearsal", "rehearsing"]


class Rehearsal:
    """Copy of everything that updates change.

    Parameters
    ----------
    engine : Engine
        Will carry out the updates.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tree = copied(state_tree(engine.state))
        self._record = dict(engine.record)
        self._settings = engine.settings
        # A network with unroutable draws uses the global generator; its state is restored for the user's cells.
        self._foreign = torch.get_rng_state()

    def put_back(self, settings: Any, *, configured: bool) -> None:
        """Restore everything; may be repeated after an interrupt.

        Parameters
        ----------
        settings
            Settings for the optimizers if none were in force.
        configured : bool
            True if the optimizers had the settings in force.
        """
        engine, before = self._engine, self._settings
        engine.observer = NullObserver()
        if before is not None:
            engine.configure(before)
        put_tree(engine.state, self._tree, settings if before is None else before)
        if configured:
            engine.configure(before)
        engine.record.update(self._record)
        torch.set_rng_state(self._foreign)


@contextmanager
def rehearsing(session: Session, **changes: Any) -> Iterator[Engine]:
    """Yield the engine with changed settings; all its updates are undone at the end."""
    session.recover()
    run, rollback, configured = session.run, session.updates.rollback, session.updates.configured
    before = Rehearsal(run.engine)
    settings = SimpleNamespace(**{**vars(session.in_force()), **changes})

    def undo() -> None:
        before.put_back(settings, configured=configured)
        rollback.put_back()
        session.state.edits.note()

    session.way_back = undo
    try:
        session.reentry.begin(sys._getframe(2))
        with session.pinned():
            run.engine.configure(settings)
            yield run.engine
    finally:
        session.reentry.end()
        session.roll_back()
