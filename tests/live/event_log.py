"""A log of a runner's events, in order."""

from __future__ import annotations

import threading

from fake_trainer import PATIENCE


class Log:
    """Collects a runner's events; a test can wait for a later one."""

    def __init__(self, runner):
        self.events = []
        self._news = threading.Condition()
        runner.subscribe(self)

    def __call__(self, event):
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def wait_for(self, kind, *, count=1):
        with self._news:
            assert self._news.wait_for(lambda: len(self.of(kind)) >= count, PATIENCE)
            return self.of(kind)[count - 1]

    def of(self, kind):
        return [event for event in self.events if event.kind == kind]

    def answer(self, ticket):
        """Return the one event that answers `ticket`."""
        with self._news:
            assert self._news.wait_for(lambda: any(e.ticket == ticket for e in self.events), PATIENCE)
            (event,) = (e for e in self.events if e.ticket == ticket)
            return event
