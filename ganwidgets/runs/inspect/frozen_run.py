"""A copy of a run between two steps, for inspection in any thread during training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganwidgets.objectives import Loss
from ganwidgets.runs.session.session import Session
from ganwidgets.stepping.assembly import Assembled
from ganwidgets.stepping.modules.tensors import copied_network

__all__ = ["FrozenRun", "frozen_run_of"]


@dataclass(frozen=True)
class FrozenRun:
    """A read-only substitute of a session for :mod:`~ganwidgets.runs.inspect.sampling`.

    The data are the run's own, so real samples must still be read between two steps.

    Attributes
    ----------
    run : Assembled
        With copies of both networks.
    settings : namespace
        Settings in force when it was made.
    built, loss
        As in :class:`~ganwidgets.runs.session.session.Session`.
    """

    run: Assembled
    settings: Any
    built: Mapping[str, Any]
    loss: Loss

    def roll_back(self) -> None:
        """Do nothing: the state was complete when it was copied."""


def frozen_run_of(session: Session) -> FrozenRun:
    """Return a frozen copy of a run; call this between two steps."""
    session.roll_back()
    run, state = session.run, session.state
    networks = {name: copied_network(network) for name, network in state.networks.items()}
    state = replace(state, networks=networks)
    return FrozenRun(replace(run, state=state), session.in_force(), dict(session.built), session.loss)
