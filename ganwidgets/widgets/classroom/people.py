"""The people of a class: sessions, unverified names, and muting."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace

from ganwidgets.messages import Message

__all__ = ["People", "Person"]

MOST = 2000
"""Maximum number of sessions of a class; above it, the oldest one is dropped."""


@dataclass(frozen=True)
class Person:
    """A browser that was or is connected.

    Attributes
    ----------
    number : int
        Counted from 0 in the order of arrival; identifies the person in exports.
    name : str
        The name that the person chose; not verified.
    role : {"watch", "propose", "steer"}
    here : bool
        True if the person is connected now.
    muted : bool
        True if the person's proposals, votes, answers and changes are refused.
    """

    number: int
    name: str
    role: str
    here: bool = True
    muted: bool = False


class People:
    """All people of a class; thread-safe. An identity is a session's secret or a connection's id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._roles: dict[str, str] = {}
        self._people: dict[str, Person] = {}
        self._connections: dict[str, int] = {}
        self._banned: set[str] = set()

    @property
    def all(self) -> tuple[Person, ...]:
        """All people, in the order of their numbers."""
        with self._lock:
            return tuple(self._people.values())

    def begin_session(self, role: str) -> str:
        """Return the secret of a new session of `role`."""
        with self._lock:
            if len(self._roles) >= MOST:
                self._roles.pop(next(iter(self._roles)))
            secret = secrets.token_urlsafe(24)
            self._roles[secret] = role
            return secret

    def role_of(self, secret: str) -> str:
        """Return the role of a session; empty if there is none or the person was removed."""
        with self._lock:
            return "" if secret in self._banned else self._roles.get(secret, "")

    def end_sessions(self, role: str) -> None:
        """Drop all sessions of `role`."""
        with self._lock:
            self._roles = {secret: held for secret, held in self._roles.items() if held != role}

    def arrive(self, identity: str, name: str, role: str) -> None:
        """Record that a connection of `identity` began."""
        with self._lock:
            known = self._people.get(identity, Person(len(self._people), name, role))
            self._people[identity] = replace(known, name=name, role=role, here=True)
            self._connections[identity] = self._connections.get(identity, 0) + 1

    def leave(self, identity: str) -> None:
        """Record that a connection of `identity` ended."""
        with self._lock:
            left = self._connections.get(identity, 1) - 1
            self._connections[identity] = left
            if left <= 0 and identity in self._people:
                self._people[identity] = replace(self._people[identity], here=False)

    def mute(self, number: int, muted: bool) -> Person:
        """Mute or unmute person `number`; raise `IndexError` for an unknown number."""
        with self._lock:
            identity = self._identity(number)
            self._people[identity] = replace(self._people[identity], muted=muted)
            return self._people[identity]

    def ban(self, number: int) -> str:
        """Ban the session of person `number`, and return the identity."""
        with self._lock:
            identity = self._identity(number)
            self._banned.add(identity)
            return identity

    def muted(self, identity: str) -> bool:
        """Return True if `identity` is muted."""
        with self._lock:
            return identity in self._people and self._people[identity].muted

    def number(self, identity: str) -> int:
        """Return the number of `identity`; -1 for an unknown one."""
        with self._lock:
            return self._people[identity].number if identity in self._people else -1

    def _identity(self, number: int) -> str:
        for identity, person in self._people.items():
            if person.number == number and type(number) is int:
                return identity
        raise IndexError(
            Message(
                "there is no person {number!r}; people has {count}", number=number, count=len(self._people)
            )
        )
