"""The queue between everybody and the thread that trains."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator

from ganwidgets.live.worker.commands import Call, Change, Command, Play, Step
from ganwidgets.messages import Message

__all__ = ["CLOSED", "Inbox"]

CLOSED = Message("this runner was closed; show the trainer in a new widget to go on")


class Inbox:
    """Commands in the order in which they were sent, and urgent ones before all others.

    Any thread sends; the thread that trains takes. Its lock is held for moments only, never while
    a command is carried out.

    Attributes
    ----------
    news : threading.Condition
        Notified whenever something was answered or published.
    closed : bool
        Whether nothing can be sent any more.
    """

    def __init__(self) -> None:
        # Re-entrant, because a finalizer may send from within any line of Python.
        self.lock = threading.RLock()
        self.news = threading.Condition(self.lock)
        self._work = threading.Condition(self.lock)
        self._orders: deque[Command] = deque()
        self._urgent: deque[Command] = deque()
        self._current: Command | None = None
        self.closed = False
        self.last_ticket = -1

    # --- from any thread ------------------------------------------------------------------------

    def send(self, command: Command, *, urgent: bool = False) -> int:
        """Put `command` into the queue and return its ticket.

        Raises
        ------
        RuntimeError
            If the queue was closed.
        """
        with self.lock:
            if self.closed:
                raise RuntimeError(CLOSED)
            self.last_ticket += 1
            command.ticket = self.last_ticket
            (self._urgent if urgent else self._orders).append(command)
            self._work.notify()
            return command.ticket

    def wake(self) -> None:
        """Let the thread that trains look again whether there is something to do."""
        with self.lock:
            self._work.notify()

    def unanswered(self, ticket: int | None = None) -> bool:
        """Return whether a command sent up to `ticket` waits or is being carried out.

        Without a ticket: whether any does, calls left out, since looking never ends.
        """
        with self.lock:
            if ticket is None:
                return any(not isinstance(command, Call) for command in self._all())
            return any(command.ticket <= ticket for command in self._all())

    def holds(self, kind: type[Command]) -> bool:
        """Return whether a command of this kind waits for its turn."""
        with self.lock:
            return any(isinstance(command, kind) for command in (*self._urgent, *self._orders))

    def is_to_train(self) -> bool:
        """Return whether a command that lets the run train waits or is being carried out."""
        with self.lock:
            return any(isinstance(command, Play | Step) for command in self._all())

    def to_be_set(self) -> frozenset[str]:
        """Return the settings that changes in the queue are going to set."""
        with self.lock:
            changes = (c for c in (*self._urgent, *self._orders) if isinstance(c, Change))
            return frozenset(name for change in changes for name in change.values)

    def _all(self) -> Iterator[Command]:
        yield from self._urgent
        yield from self._orders
        if self._current is not None:
            yield self._current

    # --- from the thread that trains ------------------------------------------------------------

    def pressing(self, *, in_order: bool) -> bool:
        """Return whether there is something to take; costs next to nothing."""
        return bool(self._urgent or (in_order and self._orders))

    def take(self, *, in_order: bool, rest: Callable[[], float | None]) -> Command | None:
        """Return the next command once there is one, or None as soon as there is time to train.

        Parameters
        ----------
        in_order : bool
            Whether commands that are not urgent have their turn.
        rest : callable
            Returns for how many seconds nothing is to be done otherwise; None for ever.
        """
        with self.lock:
            while True:
                if self._urgent:
                    self._current = self._urgent.popleft()
                elif in_order and self._orders:
                    self._current = self._orders.popleft()
                if self._current is not None:
                    return self._current
                seconds = rest()
                if seconds is not None and seconds <= 0:
                    return None
                self._work.wait(seconds)

    def answered(self) -> None:
        """Note that the command taken last was answered."""
        with self.lock:
            self._current = None
            self.news.notify_all()

    def withdraw(self, *kinds: type[Command], ticket: int) -> list[Command]:
        """Take all commands of these kinds that were sent up to `ticket` out of the queue."""
        with self.lock:
            withdrawn = [c for c in self._orders if isinstance(c, kinds) and c.ticket <= ticket]
            for command in withdrawn:
                self._orders.remove(command)
            return withdrawn

    def empty(self) -> list[Command]:
        """Take everything out of the queue."""
        with self.lock:
            taken = [*self._urgent, *self._orders]
            self._urgent.clear()
            self._orders.clear()
            return taken

    def close_if_empty(self) -> bool:
        """Close the queue unless a command waits; return whether it is closed."""
        with self.lock:
            self.closed = self.closed or not (self._urgent or self._orders)
            return self.closed

    def close(self) -> list[Command]:
        """Close the queue and return what was never answered."""
        with self.lock:
            self.closed = True
            left = list(self._all())
            self.empty()
            self._current = None
            self.news.notify_all()
            return left
