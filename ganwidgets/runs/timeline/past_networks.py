"""The networks at earlier snapshots, on the current line of branches.

They are loaded from the run's snapshots, so they do not depend on earlier frames. The run itself does not change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.fitting import check_fits
from ganwidgets.stepping.modules.tensors import copied_network, put_tensors

__all__ = ["NetworkReplicas", "earlier", "spread"]

T = TypeVar("T")


def earlier(session: Session) -> list[Snapshot]:
    """Return snapshots since the last fresh start, one for each iteration, without the present."""
    here = session.place
    found = {
        snapshot.place.iteration: snapshot
        for snapshot in sorted(session.snapshots, key=lambda s: (s.place.iteration, s.place.seq))
        if snapshot.place.iteration < here.iteration and session.branches.leads_to(snapshot, here)
    }
    return list(found.values())


def spread(all_of: Sequence[T], most: int) -> list[T]:
    """Return at most `most` elements of a sequence, evenly spread, including its first and last.

    >>> spread(range(10), 4)
    [0, 3, 6, 9]
    """
    if len(all_of) <= most:
        return list(all_of)
    step = (len(all_of) - 1) / max(1, most - 1)
    return [all_of[math.floor(index * step + 0.5)] for index in range(most)]


class NetworkReplicas:
    """Copies of all networks and of the game's own tensors, which can load a snapshot.

    Parameters
    ----------
    session : Session
        The run.

    Attributes
    ----------
    networks : dict of str to nn.Module
    memory : mapping of str to Tensor
        The game's own tensors.
    """

    def __init__(self, session: Session) -> None:
        session.roll_back()
        self._session = session
        self._run = session.run
        self.networks = {name: copied_network(network) for name, network in session.state.networks.items()}
        self.memory: Mapping[str, Tensor] = {
            name: tensor.clone() for name, tensor in session.state.memory.items()
        }

    @property
    def generator(self) -> nn.Module:
        """The generator of the classic game."""
        return self.networks["generator"]

    @property
    def discriminator(self) -> nn.Module:
        """The discriminator of the classic game."""
        return self.networks["discriminator"]

    def play(self, snapshot: Snapshot) -> bool:
        """Load the networks of `snapshot`; return False if it was discarded, or the run has begun afresh since."""
        session = self._session
        if session.run is not self._run or not any(kept is snapshot for kept in session.snapshots):
            return False
        tree = session.snapshots.read(snapshot)
        if tree is None:
            return False
        check_fits(session.state, tree)
        parts = session.state.game.from_stored(tree)
        for name, network in self.networks.items():
            put_tensors(network, parts["networks"][name])
        self.memory = {name: torch.as_tensor(parts["memory"][name]) for name in self.memory}
        return True
