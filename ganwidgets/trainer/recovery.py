"""Recovery after divergence: repeated divergences go back further each time."""

from __future__ import annotations

from dataclasses import replace

from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.runs.record.notes import Note
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.travel import goto

__all__ = ["Recovery"]

PAST = 100
"""Iterations beyond a divergence after which the next one counts as new."""

LEAST = 100
"""Iterations that the second recovery goes back; each further one doubles it."""


class Recovery:
    """Counts consecutive divergences, and goes back further after each.

    The first recovery keeps the last good state. The next ones go 100, 200, 400 ... iterations back from the
    furthest divergence, to the exact state of that iteration, with the current settings.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._root = -1
        self._furthest = 0
        self._count = 0
        self._stopped_at: tuple[int, int] | None = None

    def note_divergence(self) -> None:
        """Record that the run has diverged and is at its last good state."""
        root, iteration = self._place()
        if root != self._root or iteration >= self._furthest + PAST:
            self._root, self._furthest, self._count = root, iteration, 0
        self._furthest = max(self._furthest, iteration)
        self._count += 1
        self._stopped_at = root, iteration

    def recover(self) -> str:
        """Go back as far as is due; return a sentence about it, empty if the run keeps its last good state.

        Raises
        ------
        Exception
            Any exception that user code raises on the way. The run is then at its last good state.
        """
        session = self._session
        session.recover()
        due, self._stopped_at = self._stopped_at, None
        if due is None or due != self._place() or self._count == 1:
            return ""
        first = session.branches.roots[self._root].first.iteration
        target = max(first, self._furthest - LEAST * 2 ** (self._count - 2))
        if target >= session.state.iteration:
            return ""
        message = Message(
            "recovered at iteration {target}: {count} divergences did not get past iteration {furthest}",
            target=target,
            count=self._count,
            furthest=self._furthest,
        )
        wanted = session.settings.as_dict()
        goto(session, target, None)
        now = session.settings.as_dict()
        changed = {
            name: value for name, value in wanted.items() if value is not now[name] and value != now[name]
        }
        if changed:
            session.change(changed, replace(CODE, reason=str(message)))
            return message
        session.notes = [*session.notes, Note(session.branches.current, target, str(message))]
        return Message(
            "{said}; the settings are those of that time, so the same divergence follows unless one is changed",
            said=message,
        )

    def _place(self) -> tuple[int, int]:
        session = self._session
        return session.branches.root_of(session.branches.current), session.state.iteration
