"""A run as it stands between two steps, to be looked at in any thread while training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganwidgets.objectives import Loss
from ganwidgets.runs.session.session import Session
from ganwidgets.stepping.assembly import Assembled
from ganwidgets.stepping.tensors import copied_network

__all__ = ["FrozenRun", "frozen_run_of"]


@dataclass(frozen=True)
class FrozenRun:
    """What :mod:`~ganwidgets.runs.inspect.sampling` can look at in a session's place; never changes.

    The data are the run's own, so samples are to be read between two steps all the same.

    Attributes
    ----------
    run : Assembled
        With copies of both networks, which nobody trains.
    settings : namespace
        In force when it was made.
    built, loss
        As in :class:`~ganwidgets.runs.session.session.Session`.
    """

    run: Assembled
    settings: Any
    built: Mapping[str, Any]
    loss: Loss

    def roll_back(self) -> None:
        """Do nothing: it was made of a state that was whole."""


def frozen_run_of(session: Session) -> FrozenRun:
    """Return how a run stands now, to be called between two steps."""
    session.roll_back()
    run, state = session.run, session.state
    networks = {name: copied_network(network) for name, network in state.networks.items()}
    state = replace(state, networks=networks)
    return FrozenRun(replace(run, state=state), session.in_force(), dict(session.built), session.loss)
