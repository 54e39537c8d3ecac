"""The way back to the last good state, after a failure in the middle of a step.

A copy of the state is taken every so many iterations, and whenever settings take force; between
two copies, the updates carried out are noted. After a failure the newest copy is put back and the
updates that had been completed are carried out again, which gives the same bits; the first one
after which something is not finite is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from ..stepping.eager import NonFiniteError
from ..stepping.state import TrainingState
from .state_tree import copied, put_tree, state_tree

__all__ = ["LastGood", "interval_for"]


def interval_for(*networks: nn.Module) -> int:
    """Return how many iterations apart copies are taken of networks of this size.

    Large networks train slowly, so that fewer iterations may have to be repeated; their copies
    cost little beside a step.
    """
    parameters = sum(p.numel() for network in networks for p in network.parameters())
    return 100 if parameters < 100_000 else 20


@dataclass(eq=False)
class LastGood:
    """Copies of a state, and what was done since the newest.

    Parameters
    ----------
    state : TrainingState
        What is copied and put back.
    interval : int
        Iterations between two copies.
    """

    state: TrainingState
    interval: int
    _snapshot: dict[str, Any] | None = None
    _done: list[list[Any]] = field(default_factory=list)
    _iterations: int = 0

    def take(self) -> None:
        """Copy the state as it stands, which must be finite."""
        self._snapshot = copied(state_tree(self.state))
        self._done.clear()
        self._iterations = 0

    @property
    def fresh(self) -> bool:
        """Whether nothing was done since the newest copy."""
        return self._snapshot is not None and not self._done

    def note(self, network: str) -> None:
        """Note one completed update of `network`, or of ``"both"``."""
        if self._done and self._done[-1][0] == network:
            self._done[-1][1] += 1
        else:
            self._done.append([network, 1])
        self._iterations += 1
        if self._iterations >= self.interval:
            if not self.state.finite():
                raise NonFiniteError("a weight", float("nan"))
            self.take()

    def go_back(self, settings: Any, repeat: Callable[[str], None]) -> None:
        """Restore the state after the last completed update that left everything finite.

        Parameters
        ----------
        settings
            The hyperparameters in force.
        repeat
            Carries out one update of the network named, or of ``"both"``.
        """
        assert self._snapshot is not None
        done = [network for network, count in self._done for _ in range(count)]
        completed = 0
        put_tree(self.state, self._snapshot, settings)
        try:
            for network in done:
                repeat(network)
                if not self.state.finite():
                    break
                completed += 1
        except Exception:  # noqa: BLE001 - what fails again is the failure that is being undone
            completed = min(completed, len(done))
        else:
            if completed == len(done):
                self.take()
                return
        put_tree(self.state, self._snapshot, settings)
        for network in done[:completed]:
            repeat(network)
        self.take()
