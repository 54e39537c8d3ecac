"""The way back from updates that were carried out only to be looked at."""

from __future__ import annotations

from typing import Any

import torch

from ganwidgets.runs.state.state_tree import copied, put_tree, state_tree
from ganwidgets.stepping.engine import Engine, NullObserver

__all__ = ["Rehearsal"]


class Rehearsal:
    """Everything that updates change, as it was when this was made.

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
        # A network whose draws cannot be routed draws from here; what a cell draws shall not notice.
        self._foreign = torch.get_rng_state()

    def put_back(self, settings: Any, *, configured: bool) -> None:
        """Put it back; may be called again where it was interrupted.

        Parameters
        ----------
        settings
            Hyperparameters for the optimizers, where none were in force.
        configured : bool
            Whether the optimizers had those in force.
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
