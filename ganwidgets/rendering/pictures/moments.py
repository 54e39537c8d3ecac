"""Views of a run at moments of its past and at present, taken while it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol, TypeVar

from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.past_networks import NetworkReplicas, earlier, spread

__all__ = ["BetweenSteps", "moments"]

T = TypeVar("T")


class BetweenSteps(Protocol):
    """Runs a function between two steps and returns its result."""

    def __call__(self, function: Callable[[], T], /) -> T:
        """Run `function`."""


def moments(
    session: Session,
    on_training_thread: BetweenSteps,
    most: int,
    now: Callable[[], T],
    then: Callable[[NetworkReplicas, Snapshot], T],
) -> Iterator[T]:
    """Yield views of past moments, evenly spread over the run's snapshots, and at last one of the present.

    Parameters
    ----------
    session : Session
    on_training_thread : BetweenSteps
        Called for one moment at a time; training goes on meanwhile.
    most : int
        Maximum number of moments.
    now : callable
        Returns the view of the present.
    then : callable
        ``then(replicas, snapshot)`` returns the view of a past moment, whose networks `replicas` holds.
    """

    def at(snapshot: Snapshot) -> list[T]:
        return [then(replicas, snapshot)] if replicas.play(snapshot) else []

    replicas = on_training_thread(partial(NetworkReplicas, session))
    kept = on_training_thread(partial(earlier, session))
    present = on_training_thread(now)
    for snapshot in spread(kept, most - 1):
        yield from on_training_thread(partial(at, snapshot))
    yield present
