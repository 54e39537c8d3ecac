"""Pacing of training steps and of frames to browsers.

Frames are dropped, never queued. Each view acknowledges a frame once it is painted, and only then is the next one sent.
A slow view delays the others by at most a fifth of a second; a silent view is ignored. If no view answers, one frame is
sent after a second of silence (a lease), then after two, four and so on. So a sleeping browser finds almost nothing
when it wakes.

Each acknowledgement makes a notebook show the kernel as busy and idle again, which costs it more than the frame, and
about 65 KiB of memory that it does not free (measured in JupyterLab 4.6 with empty requests). So views that answer
quickly acknowledge only every second frame, then every fourth, up to every 24th, which is two seconds. After one late
answer, each frame is acknowledged again.

This module knows neither training threads nor widgets nor networks. Times are in seconds.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass

__all__ = ["Metronome", "Pacer", "StepRate"]

Clock = Callable[[], float]

SHARE = 0.1
"""Maximum share of the training thread's time for frames."""

CREDIT = 0.75
"""Maximum share of an interval by which the next frame may come earlier after a late one."""

REST = 1.0
"""Maximum seconds by which a costly frame delays the next one; a run's first frame is the costliest."""


class Metronome:
    """Number of due steps under a limit of steps per second.

    Steps lost in a pause or a slow step are not made up: at most the steps of `SLACK` seconds, plus one, are due at
    once.

    Attributes
    ----------
    speed : float
        Maximum steps per second; 0 for no limit.
    """

    SLACK = 0.02

    def __init__(self) -> None:
        self.speed = 0.0
        self._last = -math.inf

    def due(self, now: float) -> int | None:
        """Return the number of due steps; None for no limit."""
        if not self.speed:
            return None
        return int((now - self._from(now)) * self.speed + 1e-6)

    def delay(self, now: float) -> float:
        """Return the seconds until the next step is due."""
        if not self.speed:
            return 0.0
        return max(0.0, self._last + 1 / self.speed - now)

    def ticked(self, now: float, steps: int) -> None:
        """Record that `steps` steps began at `now`."""
        if self.speed:
            self._last = self._from(now) + steps / self.speed

    def _from(self, now: float) -> float:
        return max(self._last, now - self.SLACK - 1 / self.speed)


class StepRate:
    """Steps per second, over about the last second."""

    WINDOW = 1.0

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def begin(self, now: float) -> None:
        """Restart the measurement."""
        self._marks.clear()
        self._marks.append((now, 0))

    def stop(self) -> None:
        """Set the rate to 0 because nothing runs."""
        self._marks.clear()

    def note(self, now: float, steps: int) -> None:
        """Record that `steps` more steps were done by `now`."""
        if not self._marks:
            self.begin(now)
        marks = self._marks
        marks.append((now, marks[-1][1] + steps))
        while len(marks) > 2 and now - marks[1][0] >= self.WINDOW:
            marks.popleft()

    @property
    def value(self) -> float:
        """Steps per second; 0 while nothing runs."""
        if len(self._marks) < 2:
            return 0.0
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / (ended - began) if ended > began else 0.0


@dataclass(eq=False)
class _View:
    """Acknowledgements of a view, and the minimum seconds `interval` between two of its frames."""

    painted: int
    interval: float = 0.0
    owes_since: float | None = None
    quick: bool = False


class Pacer:
    """Decides when the next frame may be sent; thread-safe.

    Parameters
    ----------
    max_rate : float
        Maximum frames per second.
    allowance : float
        Maximum seconds to wait for a slow view after another has answered.
    lease : float
        Seconds of silence after which one frame is sent anyway.
    longest_lease : float
        Each unanswered lease doubles the next, up to this many seconds.
    vanished : float
        Seconds of silence after which a view is ignored while another one answers.
    trusted : int
        While every view answers quickly, one frame in up to this many is acknowledged.
    quick : float
        Maximum seconds of a quick answer.
    clock : callable
        Returns the time in seconds.

    Attributes
    ----------
    deaf : bool
        Set this while acknowledgements cannot arrive (a cell blocks their thread). Silence then does not count, and
        leases do not grow longer.
    cost : float
        Set this to the seconds that a frame blocked the training. The next frame is sent when they are at most a tenth
        of the elapsed time.
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
        """Maximum frames per second."""
        return 1 / self._interval

    @max_rate.setter
    def max_rate(self, rate: float) -> None:
        self._interval = 1 / rate

    def hello(self, view: Hashable, max_rate: float = math.inf) -> None:
        """Add a view that appeared or became visible; it owes nothing for earlier frames.

        Parameters
        ----------
        view : hashable
        max_rate : float
            Frames per second that it shows at most. More are sent only if another view shows more.
        """
        with self._lock:
            self._views[view] = _View(self._newest, 1 / max_rate)
            self._unanswered = 0
            self._trust = 1

    def bye(self, view: Hashable) -> None:
        """Remove a view that closed or became hidden."""
        with self._lock:
            self._views.pop(view, None)

    def acknowledge(self, view: Hashable, seq: int) -> None:
        """Record that a view has painted frame number `seq`; unknown views do not count."""
        with self._lock:
            known = self._views.get(view)
            if known is None:
                return
            if known.painted < seq <= self._newest:
                known.painted = seq
                known.quick = self._clock() - self._asked_at <= self._quick
                self._trust = min(self._trusted, 2 * self._trust) if self._all_quick() else 1
                self._unanswered = 0
                # It still owes the frames sent since, but it is alive.
                known.owes_since = None if seq == self._newest else self._clock()

    def to_ask(self) -> bool:
        """Return True if views must acknowledge the next frame."""
        with self._lock:
            return not self._all_quick() or self._unasked + 1 >= self._trust

    def _all_quick(self) -> bool:
        return all(view.quick and view.painted == self._newest for view in self._views.values())

    def passed(self) -> None:
        """Record that a frame without acknowledgement was sent."""
        with self._lock:
            self._unasked += 1
            self._note_sent(self._clock())

    def sent(self, seq: int) -> None:
        """Record that frame number `seq`, with acknowledgement, was sent; numbers increase."""
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
        """Schedule the next frame an interval after this one was due, which may have waited for a step to end."""
        spaced = self._spaced()
        late = now - (self._sent_at + spaced - self._credit)
        self._credit = min(late, CREDIT * spaced) if 0 < late < spaced else 0.0
        self._sent_at = now

    @property
    def watched(self) -> bool:
        """True if there is a viewer."""
        with self._lock:
            return bool(self._views)

    def watched_only_by(self, views: Collection[Hashable]) -> bool:
        """Return True if there is a viewer, and each is among `views`."""
        with self._lock:
            return bool(self._views) and all(view in views for view in self._views)

    @property
    def silent(self) -> bool:
        """True if a frame sent now would be a lease: no view has painted the last one."""
        with self._lock:
            return self._silent()

    def _silent(self) -> bool:
        return bool(self._views) and all(v.painted < self._newest for v in self._views.values())

    def may_send(self, now: float | None = None) -> bool:
        """Return True if the next frame may be sent now."""
        with self._lock:
            return self._ready_at(self._clock() if now is None else now) <= 0

    def delay(self, now: float | None = None) -> float:
        """Return the seconds to wait if nothing arrives before; infinity without a viewer."""
        with self._lock:
            return max(0.0, self._ready_at(self._clock() if now is None else now))

    def _ready_at(self, now: float) -> float:
        """Return the seconds from `now` until the next frame may be sent."""
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
        wanted = min((view.interval for view in self._views.values()), default=0.0)
        return max(self._interval, wanted, min(self.cost / SHARE, REST))

    def _waited_for(self, view: _View, now: float) -> bool:
        return (
            view.painted < self._newest
            and view.owes_since is not None
            and now - view.owes_since < self._vanished
        )
