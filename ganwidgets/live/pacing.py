"""When the next step is due, and when the next frame may go to a browser.

Frames are dropped, never queued. Each view acknowledges a frame once it is painted, and the next
one goes out only then; a slow view delays the others by a fifth of a second at most, and one that
stays silent is left behind. Where nobody answers, a frame goes out as a lease after a second, then
after two, four and so on: a browser that went to sleep finds next to nothing when it wakes.

With each acknowledgement a notebook shows the kernel as busy and as idle again, which costs it more
than the frame itself, and about 65 KiB of memory that it does not give back (measured in JupyterLab 4.6
with requests that do nothing). So views that answer quickly are trusted: they are asked at every second
frame, then at every fourth, up to every 24th, which is two seconds; they are never further behind than
that. One late answer, and each frame is waited for again.

Nothing here knows threads that train, widgets or the network; times are in seconds.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

__all__ = ["Metronome", "Pacer", "StepRate"]

Clock = Callable[[], float]

SHARE = 0.1
"""The part of the training thread's time that frames may take."""

CREDIT = 0.75
"""The greatest part of an interval by which a frame may follow the last one sooner, because that one was late."""

REST = 1.0
"""Seconds that a costly frame delays the next one at most, since the first of a run costs more than others."""


class Metronome:
    """Says how many steps are due under a limit of so many a second.

    A pause or a slow step is not caught up with: no more than `SLACK` seconds' worth of steps, and
    one, are ever due at once.

    Attributes
    ----------
    speed : float
        Steps a second at most; 0 for no limit.
    """

    SLACK = 0.02

    def __init__(self) -> None:
        self.speed = 0.0
        self._last = -math.inf

    def due(self, now: float) -> int | None:
        """Return how many steps may be carried out now; None for no limit."""
        if not self.speed:
            return None
        return int((now - self._from(now)) * self.speed + 1e-6)

    def delay(self, now: float) -> float:
        """Return how many seconds are left until the next step is due."""
        if not self.speed:
            return 0.0
        return max(0.0, self._last + 1 / self.speed - now)

    def ticked(self, now: float, steps: int) -> None:
        """Note that `steps` steps were begun at `now`."""
        if self.speed:
            self._last = self._from(now) + steps / self.speed

    def _from(self, now: float) -> float:
        return max(self._last, now - self.SLACK - 1 / self.speed)


class StepRate:
    """Steps a second, over about the last second."""

    WINDOW = 1.0

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def begin(self, now: float) -> None:
        """Start counting afresh."""
        self._marks.clear()
        self._marks.append((now, 0))

    def stop(self) -> None:
        """Let the rate be 0, since nothing runs."""
        self._marks.clear()

    def note(self, now: float, steps: int) -> None:
        """Note that `steps` more steps were done by `now`."""
        if not self._marks:
            self.begin(now)
        marks = self._marks
        marks.append((now, marks[-1][1] + steps))
        while len(marks) > 2 and now - marks[1][0] >= self.WINDOW:
            marks.popleft()

    @property
    def value(self) -> float:
        """Steps a second; 0 while nothing runs."""
        if len(self._marks) < 2:
            return 0.0
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / (ended - began) if ended > began else 0.0


@dataclass(eq=False)
class _View:
    """A viewer: the newest frame it painted, since when it owes an answer, and whether it is quick."""

    painted: int
    owes_since: float | None = None
    quick: bool = False


class Pacer:
    """Says when the next frame may be sent; any thread may ask and tell.

    Parameters
    ----------
    max_rate : float
        Frames a second at most.
    allowance : float
        Seconds for which a slow view is waited for while another has answered.
    lease : float
        Seconds of silence after which one frame is sent nevertheless.
    longest_lease : float
        Each lease that stays unanswered doubles the next, up to so many seconds.
    vanished : float
        Seconds of silence after which a view is no longer waited for while another answers.
    trusted : int
        Of up to so many frames one is to be acknowledged, while every view answers quickly.
    quick : float
        Seconds within which an answer is quick.
    clock : callable
        Returns the time in seconds.

    Attributes
    ----------
    deaf : bool
        Set this while acknowledgements cannot be heard (a cell blocks the thread on which they
        arrive): silence then means nothing, and leases do not grow longer.
    cost : float
        Set this to the seconds for which a frame kept the training waiting; the next one goes out when
        that was a tenth of the time at most.
    """

    def __init__(
        self,
        *,
        max_rate: float = 20.0,
        allowance: float = 0.2,
        lease: float = 1.0,
        longest_lease: float = 60.0,
        vanished: float = 10.0,
        trusted: int = 24,
        quick: float = 0.15,
        clock: Clock = time.monotonic,
    ) -> None:
        self.deaf = False
        self.cost = 0.0
        self._interval = 1 / max_rate
        self._allowance = allowance
        self._lease = lease
        self._longest_lease = longest_lease
        self._vanished = vanished
        self._trusted = trusted
        self._quick = quick
        self._clock = clock
        self._lock = threading.Lock()
        self._views: dict[Hashable, _View] = {}
        self._newest = -1
        self._sent_at = self._asked_at = -math.inf
        self._unanswered = 0
        self._unasked = 0
        self._trust = 1
        self._credit = 0.0

    @property
    def max_rate(self) -> float:
        """Frames a second at most."""
        return 1 / self._interval

    @max_rate.setter
    def max_rate(self, rate: float) -> None:
        self._interval = 1 / rate

    def hello(self, view: Hashable) -> None:
        """Count a view that appeared, or is visible again; it owes nothing for earlier frames."""
        with self._lock:
            self._views[view] = _View(self._newest)
            self._unanswered = 0
            self._trust = 1

    def bye(self, view: Hashable) -> None:
        """Forget a view that went, or is hidden."""
        with self._lock:
            self._views.pop(view, None)

    def acknowledge(self, view: Hashable, seq: int) -> None:
        """Note that a view has painted frame number `seq`; one that never said hello does not count."""
        with self._lock:
            known = self._views.get(view)
            if known is None:
                return
            if known.painted < seq <= self._newest:
                known.painted = seq
                known.quick = self._clock() - self._asked_at <= self._quick
                self._trust = min(self._trusted, 2 * self._trust) if self._all_quick() else 1
                self._unanswered = 0
                # It still owes what was sent since, but it has just shown that it lives.
                known.owes_since = None if seq == self._newest else self._clock()

    def to_ask(self) -> bool:
        """Return whether views are to acknowledge the next frame."""
        with self._lock:
            return not self._all_quick() or self._unasked + 1 >= self._trust

    def _all_quick(self) -> bool:
        return all(view.quick and view.painted == self._newest for view in self._views.values())

    def passed(self) -> None:
        """Note that a frame was sent which nobody is to acknowledge."""
        with self._lock:
            self._unasked += 1
            self._note_sent(self._clock())

    def sent(self, seq: int) -> None:
        """Note that frame number `seq` was sent, which views acknowledge; numbers grow."""
        with self._lock:
            now = self._clock()
            self._unanswered = self._unanswered + 1 if self._silent() and not self.deaf else 0
            self._unasked = 0
            self._newest, self._asked_at = seq, now
            self._note_sent(now)
            for view in self._views.values():
                if view.owes_since is None:
                    view.owes_since = now

    def _note_sent(self, now: float) -> None:
        """Let the next frame be due an interval after this one was, which may have waited for the end of a step."""
        spaced = self._spaced()
        late = now - (self._sent_at + spaced - self._credit)
        self._credit = min(late, CREDIT * spaced) if 0 < late < spaced else 0.0
        self._sent_at = now

    @property
    def watched(self) -> bool:
        """Whether anybody looks."""
        with self._lock:
            return bool(self._views)

    @property
    def silent(self) -> bool:
        """Whether a frame sent now would be a lease: nobody has painted the last one."""
        with self._lock:
            return self._silent()

    def _silent(self) -> bool:
        return bool(self._views) and all(v.painted < self._newest for v in self._views.values())

    def may_send(self, now: float | None = None) -> bool:
        """Return whether the next frame may be sent now."""
        with self._lock:
            return self._ready_at(self._clock() if now is None else now) <= 0

    def delay(self, now: float | None = None) -> float:
        """Return how many seconds to wait if nothing is heard before; infinity without a viewer."""
        with self._lock:
            return max(0.0, self._ready_at(self._clock() if now is None else now))

    def _ready_at(self, now: float) -> float:
        """Return in how many seconds from `now` the next frame may be sent."""
        if not self._views:
            return math.inf
        waited = now - self._sent_at
        needed = self._spaced() - self._credit
        if self._silent():
            growth = 1.0 if self.deaf else 2.0 ** min(self._unanswered, 60)
            needed = max(needed, min(self._longest_lease, self._lease * growth))
        elif any(self._waited_for(view, now) for view in self._views.values()):
            needed = max(needed, self._allowance)
        return needed - waited

    def _spaced(self) -> float:
        return max(self._interval, min(self.cost / SHARE, REST))

    def _waited_for(self, view: _View, now: float) -> bool:
        return (
            view.painted < self._newest
            and view.owes_since is not None
            and now - view.owes_since < self._vanished
        )
