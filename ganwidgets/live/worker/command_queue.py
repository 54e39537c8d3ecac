"""The queue of commands to the training thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator

from ganwidgets.live.worker.commands import Call, Change, Command, Play, Step
from ganwidgets.messages import Message

__all__ = ["CLOSED", "Inbox"]

CLOSED = Message("this runner was closed; show the trainer in a new widget to go on")


class Inbox:
    """Commands in sending order, with urgent ones first.

    Any thread sends; the training thread takes. The lock is held only briefly, never while a command runs.

    Attributes
    ----------
    news : threading.Condition
        Notified when a command was answered or a state was published.
    closed : bool
        True if no command can be sent any more.
    """

    def __init__(self) -> None:
        # Re-entrant, because a finalizer may send from any line of Python.
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
            If the queue is closed.
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
        """Wake the training thread to check for work."""
        with self.lock:
            self._work.notify()

    def unanswered(self, ticket: int | None = None) -> bool:
        """Return True if a command sent up to `ticket` waits or runs.

        Without a ticket, consider all commands except calls, because viewers send calls all the time.
        """
        with self.lock:
            if ticket is None:
                return any(not isinstance(command, Call) for command in self._all())
            return any(command.ticket <= ticket for command in self._all())

    def holds(self, kind: type[Command]) -> bool:
        """Return True if a command of this kind waits."""
        with self.lock:
            return any(isinstance(command, kind) for command in (*self._urgent, *self._orders))

    def is_to_train(self) -> bool:
        """Return True if a command that lets the run train waits or runs."""
        with self.lock:
            return any(isinstance(command, Play | Step) for command in self._all())

    def to_be_set(self) -> frozenset[str]:
        """Return the names of the settings that queued changes will set."""
        with self.lock:
            changes = (c for c in (*self._urgent, *self._orders) if isinstance(c, Change))
            return frozenset(name for change in changes for name in change.values)

    def _all(self) -> Iterator[Command]:
        yield from self._urgent
        yield from self._orders
        if self._current is not None:
            yield self._current

    # --- from the training thread ---------------------------------------------------------------

    def pressing(self, *, in_order: bool) -> bool:
        """Return True if a command waits; costs almost nothing."""
        return bool(self._urgent or (in_order and self._orders))

    def take(self, *, in_order: bool, rest: Callable[[], float | None]) -> Command | None:
        """Return the next command, or None as soon as training is due.

        Parameters
        ----------
        in_order : bool
            Include commands that are not urgent.
        rest : callable
            Returns the seconds until training is due; None if it is not.
        """
        with self.lock:
            while True:
                if self._urgent and not (in_order and self._older_change()):
                    self._current = self._urgent.popleft()
                elif in_order and self._orders:
                    self._current = self._orders.popleft()
                if self._current is not None:
                    return self._current
                seconds = rest()
                if seconds is not None and seconds <= 0:
                    return None
                self._work.wait(seconds)

    def _older_change(self) -> bool:
        """Return True if the next two commands are changes and the urgent one was sent later; it must win."""
        if not self._orders:
            return False
        urgent, ordered = self._urgent[0], self._orders[0]
        both = isinstance(urgent, Change) and isinstance(ordered, Change)
        return both and ordered.ticket < urgent.ticket

    def answered(self) -> None:
        """Record that the command taken last was answered."""
        with self.lock:
            self._current = None
            self.news.notify_all()

    def withdraw(self, *kinds: type[Command], ticket: int) -> list[Command]:
        """Remove all commands of these kinds sent up to `ticket` from the queue, and return them."""
        with self.lock:
            withdrawn = [c for c in self._orders if isinstance(c, kinds) and c.ticket <= ticket]
            for command in withdrawn:
                self._orders.remove(command)
            return withdrawn

    def empty(self) -> list[Command]:
        """Remove and return all commands."""
        with self.lock:
            taken = [*self._urgent, *self._orders]
            self._urgent.clear()
            self._orders.clear()
            return taken

    def close_if_empty(self) -> bool:
        """Close the queue unless a command waits; return True if it is closed."""
        with self.lock:
            self.closed = self.closed or not (self._urgent or self._orders)
            return self.closed

    def close(self) -> list[Command]:
        """Close the queue and return the unanswered commands."""
        with self.lock:
            self.closed = True
            left = list(self._all())
            self.empty()
            self._current = None
            self.news.notify_all()
            return left
