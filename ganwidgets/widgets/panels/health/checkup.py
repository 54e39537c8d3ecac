"""Regular diagnosis of a live run, and trials of remedies on copies of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganwidgets.diagnosis import Finding, Remedy
from ganwidgets.diagnosis.diagnose import diagnose_signals
from ganwidgets.diagnosis.rules.rule import Rule
from ganwidgets.diagnosis.signals import Signals, observe, recorded

if TYPE_CHECKING:
    from ganwidgets.live import Runner
    from ganwidgets.trainer.what_if import WhatIf

__all__ = ["Checkup", "Report", "Trial"]

SHARE = 0.05
"""Maximum share of the time for diagnosing."""

TRIED = 200
"""Iterations of each future of a trial."""


@dataclass(frozen=True)
class Report:
    """The latest diagnosis of a run.

    Attributes
    ----------
    iteration : int
    findings : tuple of Finding
    advice : tuple of (str, mapping)
        For each rule that would fire now, its name and its change.
    """

    iteration: int
    findings: tuple[Finding, ...]
    advice: tuple[tuple[str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True)
class Trial:
    """Two futures of a run, without and with a remedy.

    Attributes
    ----------
    remedy : Remedy
    what_if : WhatIf
    distances : tuple of float
        Distance from the data divided by that of perfect samples, without and with the remedy; NaN if unknown.
    findings : tuple of int
        Number of findings, without and with the remedy.
    """

    remedy: Remedy
    what_if: WhatIf
    distances: tuple[float, float]
    findings: tuple[int, int]

    @property
    def helps(self) -> bool:
        """True if the samples are nearer to the data with the remedy."""
        without, with_it = self.distances
        return with_it < without


class Checkup:
    """Diagnoses the run of `runner`, and tries remedies.

    Parameters
    ----------
    runner : Runner
    clock : callable
        Returns the time in seconds.

    Attributes
    ----------
    rules : tuple of Rule
        The rules that give advice.
    """

    def __init__(self, runner: Runner, clock: Callable[[], float] = time.monotonic) -> None:
        self._runner = runner
        self._clock = clock
        self._last: tuple[int, int] | None = None
        self._rest_until = -np.inf
        self.rules: tuple[Rule, ...] = ()

    def due(self, iteration: int, branch: int, status: str) -> bool:
        """Return True if the run has moved since the last report and diagnosing stays within its share of time."""
        rested = status != "running" or self._clock() >= self._rest_until
        return rested and (iteration, branch) != self._last

    def report(self) -> Report:
        """Return a report on the current state of the run."""
        session = self._runner.trainer._session
        began = self._clock()

        def look() -> tuple[Signals, Mapping[str, Any], tuple[int, int]]:
            place = session.place
            seen = observe(session) if session.state.iteration else recorded(session)
            return seen, {**session.settings.as_dict(), **session.built}, (place.iteration, place.branch)

        seen, rules, self._last = self._runner.look(look)
        now = self._clock()
        self._rest_until = now + (now - began) * (1 / SHARE - 1)
        found = diagnose_signals(seen)
        if seen.iteration == 0:  # rules read the measured signals
            return Report(0, found)
        fired = [
            (rule.name, rule.changes(rules, rules, finding))
            for rule in self.rules
            for finding in [rule.finding(found)]
            if rule.evidence(seen, finding)
        ]
        return Report(seen.iteration, found, tuple((name, change) for name, change in fired if change))

    def trial(self, remedy: Remedy) -> Trial:
        """Return two futures of :data:`TRIED` iterations, on copies of the run."""
        both = self._runner.trainer.what_if(steps=TRIED, **remedy.changes)
        seen = [observe(each._session) for each in (both.unchanged, both.changed)]
        distances = [
            float(s.series("distance").values[-1]) if len(s.series("distance")) else float("nan")
            for s in seen
        ]
        counts = [len(diagnose_signals(s)) for s in seen]
        return Trial(remedy, both, (distances[0], distances[1]), (counts[0], counts[1]))
