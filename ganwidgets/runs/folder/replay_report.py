"""Report of a replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ganwidgets.messages import Message

__all__ = ["Difference", "ReplayReport", "Verdict"]

Verdict = Literal["equal", "close", "not exact", "differs"]

NAMED = 3
"""Maximum number of differences in a sentence."""


@dataclass(frozen=True)
class Difference:
    """First difference between a recomputed run and the stored one.

    Attributes
    ----------
    branch : str
        The branch's name.
    iteration : int
    what : tuple of str
        What differs there: the names of tensors, counters and settings.
    """

    branch: str
    iteration: int
    what: tuple[str, ...]


@dataclass(frozen=True)
class ReplayReport:
    """Result of a replay; truthy if the recomputed run equals the stored one.

    Attributes
    ----------
    verdict : {"equal", "close", "not exact", "differs"}
        ``"equal"``: every compared state is the same, bit for bit. ``"close"``: numbers differ a little, and so does
        the environment. ``"not exact"``: something differs, and the run draws random numbers that cannot be repeated.
        ``"differs"``: the stored states are not those of the recomputed run.
    first_difference : Difference or None
    environment : mapping of str to (str, str)
        Entries that differ from those of the stored run (``torch python device processor threads``): the stored
        value, and the present one.
    states : int
        Number of compared states.
    steps : int
        Number of updates carried out.
    edits : tuple of (int, str)
        Edits by hand, by iteration. No update computes one, so the replay continued from its snapshot.
    """

    verdict: Verdict
    first_difference: Difference | None
    environment: Mapping[str, tuple[str, str]]
    states: int
    steps: int
    edits: tuple[tuple[int, str], ...] = ()

    @property
    def equal(self) -> bool:
        """True if every compared state is equal, bit for bit."""
        return self.verdict == "equal"

    def __bool__(self) -> bool:
        return self.equal

    def __str__(self) -> str:
        if not self.edits:
            return self._outcome()
        return Message(
            "{outcome}; {n} changes by hand cannot be computed: after each the replay went on from its stored "
            "snapshot ({where})",
            outcome=self._outcome(),
            n=len(self.edits),
            where="; ".join(f"{iteration}: {what}" for iteration, what in self.edits[:NAMED]),
        )

    def _outcome(self) -> str:
        found = self.first_difference
        if found is None:
            return Message(
                "equal: {states} states, computed again in {steps} updates, are the same, bit for bit",
                states=self.states,
                steps=self.steps,
            )
        more = "" if len(found.what) <= NAMED else ", ..."
        where = {
            "iteration": found.iteration,
            "branch": found.branch,
            "what": ", ".join(found.what[:NAMED]) + more,
            "environment": "; ".join(f"{name}: {a} -> {b}" for name, (a, b) in self.environment.items()),
        }
        if self.verdict == "close":
            return Message(
                "close, not equal, from iteration {iteration} of branch {branch!r} on ({what}); the environment "
                "is another ({environment})",
                **where,
            )
        if self.verdict == "not exact":
            return Message(
                "not exact: the run draws random numbers that cannot be repeated, and differs from iteration "
                "{iteration} of branch {branch!r} on ({what})",
                **where,
            )
        if self.environment:
            return Message(
                "differs from iteration {iteration} of branch {branch!r} on ({what}); the environment is "
                "another too ({environment})",
                **where,
            )
        return Message("differs from iteration {iteration} of branch {branch!r} on ({what})", **where)
