"""The way back from updates that were carried out only to be looked at."""

from __future__ import annotations

from typing import Any

import torch

from ganwidgets.runs.state.state_tree import copied, put_tree, state_tree
from ganwidgets.stepping.eager import EagerStepper
from ganwidgets.stepping.stages import NULL_OBSERVER

__all__ = ["Rehearsal"]


class Rehearsal:
    """Everything that updates change, as it was when this was made.

    Parameters
    ----------
    stepper : EagerStepper
        What is about to carry them out.
    """

    def __init__(self, stepper: EagerStepper) -> None:
        self._stepper = stepper
        self._tree = copied(state_tree(stepper.state))
        self._record = dict(stepper.record)
        self._rules = getattr(stepper, "rules", None)
        # A network whose draws cannot be routed draws from here; what a cell draws shall not notice.
        self._foreign = torch.get_rng_state()

    def put_back(self, rules: Any, *, configured: bool) -> None:
        """Put it back; may be called again where it was interrupted.

        Parameters
        ----------
        rules
            Hyperparameters for the optimizers, where none were in force.
        configured : bool
            Whether the optimizers had those in force.
        """
        stepper = self._stepper
        stepper.watcher = NULL_OBSERVER
        if self._rules is not None:
            stepper.configure(self._rules)
        put_tree(stepper.state, self._tree, rules if self._rules is None else self._rules)
        if configured:
            stepper.configure(self._rules)
        stepper.record.update(self._record)
        torch.set_rng_state(self._foreign)
