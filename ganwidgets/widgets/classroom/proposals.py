"""Proposals of a class: changes of settings, with author, reason and votes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ganwidgets.messages import Message

__all__ = ["Proposal", "Proposals"]

MOST_OPEN, MOST_OF_ONE = 200, 5
"""Maximum number of open proposals, of a class and of one client."""

Status = Literal["open", "accepted", "declined", "forked"]


@dataclass(frozen=True)
class Proposal:
    """A proposed change of settings.

    Attributes
    ----------
    index : int
        Number of the proposal, from 0.
    name : str
        The name that the student chose; not verified.
    reason : str
    changes : mapping of str to value
        New values of settings by name, valid when proposed.
    votes : int
        Number of clients that voted for it; each counts once.
    status : {"open", "accepted", "declined", "forked"}
    """

    index: int
    name: str
    reason: str
    changes: Mapping[str, Any]
    votes: int = 0
    status: Status = "open"


class Proposals:
    """All proposals of a class; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Proposal] = []
        self._clients: list[str] = []
        self._voters: list[set[str]] = []

    @property
    def all(self) -> tuple[Proposal, ...]:
        """All proposals, in the order of their numbers."""
        with self._lock:
            return tuple(self._all)

    def add(self, client: str, name: str, reason: str, changes: Mapping[str, Any]) -> Proposal:
        """Add a proposal of `client`; raise `ValueError` if too many are open."""
        with self._lock:
            still_open = [proposal.index for proposal in self._all if proposal.status == "open"]
            own = [index for index in still_open if self._clients[index] == client]
            if len(still_open) >= MOST_OPEN or len(own) >= MOST_OF_ONE:
                raise ValueError(Message("too many proposals are open; wait until some are decided"))
            proposal = Proposal(len(self._all), name, reason, dict(changes))
            self._all.append(proposal)
            self._clients.append(client)
            self._voters.append(set())
            return proposal

    def client_of(self, index: int) -> str:
        """Return the identity of a proposal's author."""
        with self._lock:
            return self._clients[index]

    def votes(self) -> list[tuple[str, int]]:
        """Return each vote: identity of the voter, and number of the proposal."""
        with self._lock:
            return [(voter, index) for index, voters in enumerate(self._voters) for voter in sorted(voters)]

    def vote(self, client: str, index: int) -> None:
        """Count the vote of `client` for an open proposal, once."""
        with self._lock:
            proposal = self._open(index)
            self._voters[index].add(client)
            self._all[index] = replace(proposal, votes=len(self._voters[index]))

    def decide(self, index: int, status: Status, carry_out: Callable[[Proposal], None]) -> Proposal:
        """Close an open proposal after `carry_out`; it stays open if `carry_out` raises.

        Raises
        ------
        IndexError
            If there is no such proposal.
        ValueError
            If it has been decided.
        """
        with self._lock:
            proposal = self._open(index)
            carry_out(proposal)
            decided = self._all[index] = replace(proposal, status=status)
            return decided

    def _open(self, index: Any) -> Proposal:
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(self._all):
            raise IndexError(
                Message(
                    "there is no proposal {index!r}; there are {count}", index=index, count=len(self._all)
                )
            )
        proposal = self._all[index]
        if proposal.status != "open":
            raise ValueError(
                Message("proposal {index} is {status} already", index=index, status=proposal.status)
            )
        return proposal
