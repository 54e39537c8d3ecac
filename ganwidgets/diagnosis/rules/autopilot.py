"""Application of rules to a live run.

Rules are evaluated at fixed iterations, never by the clock, so an armed run repeats bit for bit. Every action is an
intervention, so a replay evaluates no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganwidgets.diagnosis.diagnose import diagnose_signals
from ganwidgets.diagnosis.finding import Finding
from ganwidgets.diagnosis.rules.rule import (
    DIVERGED,
    ONSET,
    Firing,
    Rule,
    checked_rules,
    refuse_rules_of_other_games,
)
from ganwidgets.diagnosis.signals import Signals, observe, recorded
from ganwidgets.errors import DivergedError
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import CONTINUOUS, Origin
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.travel import goto

__all__ = ["EVERY", "FINDINGS_EVERY", "MODES", "Autopilot", "Watch", "origin_of"]

EVERY = 10
"""Interval, in iterations, between two evaluations of recorded columns, and between two measurements of them."""

FINDINGS_EVERY = 100
"""Interval, in iterations, between two diagnoses."""

MODES = ("off", "advise", "act")


def origin_of(rule: Rule, evidence: str) -> Origin:
    """Return the author and the reason of changes by `rule`."""
    if rule.continuous:
        regulator = rule.name.split(",")[0]
        return Origin("rule", CONTINUOUS, str(Message("{rule}: regulates", rule=regulator)))
    return Origin("rule", "rule", f"{rule.name}: {evidence}")


@dataclass(frozen=True)
class Due:
    """A rule whose condition is fulfilled.

    Attributes
    ----------
    rule : Rule
    evidence : str
        Text: the values that fulfil the condition.
    target : int
        The iteration to go back to; the current one if the rule does not go back.
    finding : Finding or None
        The finding that triggered it, if any.
    """

    rule: Rule
    evidence: str
    target: int
    finding: Finding | None = None


class Watch:
    """Decides which rules fire; independent of the run.

    Parameters
    ----------
    rules : sequence of Rule
    armed : mapping
        Settings in force when the rules were armed.

    Attributes
    ----------
    firings : list of Firing
    """

    def __init__(self, rules: Sequence[Rule], armed: Mapping[str, Any]) -> None:
        self.rules = checked_rules(rules)
        self.firings: list[Firing] = []
        self._armed = dict(armed)
        self._last: dict[str, int] = {}

    def ready(self, iteration: int, *, findings: bool | None = None) -> list[Rule]:
        """Return the rules that may fire after `iteration`: those that read findings, or the others."""
        chosen = []
        for rule in self.rules:
            # After an undo the run may be before the last firing: the rule has just fired here.
            last = min(self._last.get(rule.name, -(10**9)), iteration)
            fired = sum(firing.rule == rule.name for firing in self.firings)
            if (rule.limit is not None and fired >= rule.limit) or iteration - last < rule.cooldown:
                continue
            if findings is None or rule.reads_findings == findings:
                chosen.append(rule)
        return chosen

    def fire(self, due: Due, iteration: int, settings: Mapping[str, Any]) -> Firing | None:
        """Record the firing of a rule; return None if it would change nothing."""
        rule = due.rule
        changes = rule.changes(settings, self._armed, due.finding)
        if not changes and (not rule.back or rule.back == ONSET):
            return None
        firing = Firing(iteration, rule.name, due.evidence, changes, due.target)
        self.firings.append(firing)
        self._last[rule.name] = iteration
        return firing

    def due(self, seen: Signals, found: Callable[[], Sequence[Finding]], *, findings: bool) -> list[Due]:
        """Return the rules that fire on `seen`, with their evidence."""
        ready = [rule for rule in self.ready(seen.iteration, findings=findings) if rule.when != DIVERGED]
        if not ready:
            return []
        known = found() if findings else ()
        return [
            Due(rule, evidence, rule.target(seen.iteration, finding), finding)
            for rule in ready
            for finding in [rule.finding(known)]
            if (evidence := rule.evidence(seen, finding))
        ]


class Autopilot:
    """Applies rules to a session, or only records their firings.

    Parameters
    ----------
    session : Session
    rules : sequence of Rule
    mode : {"advise", "act"}

    Attributes
    ----------
    watch : Watch
    mode : str
    """

    def __init__(self, session: Session, rules: Sequence[Rule], mode: str) -> None:
        self._session = session
        refuse_rules_of_other_games(rules, session.own.game)
        self.watch = Watch(rules, vars(session.in_force()))
        self.mode = mode
        self._returns: list[tuple[int, str, Any, Rule]] = []

    @property
    def firings(self) -> list[Firing]:
        """Every firing so far."""
        return self.watch.firings

    def __repr__(self) -> str:
        names = ", ".join(rule.name for rule in self.watch.rules)
        return f"<Autopilot, {self.mode}: {names}; {len(self.firings)} firing(s)>"

    def until(self) -> int:
        """Return the number of steps until the next evaluation."""
        return EVERY - self._session.state.iteration % EVERY

    def look(self) -> None:
        """Evaluate the rules at an iteration at which they are due; call this between two steps."""
        now = self._session.state.iteration
        if now % EVERY:
            return
        self._return_values(now)
        self._act_on(self.watch.due(recorded(self._session), tuple, findings=False))
        if now % FINDINGS_EVERY == 0 and self.watch.ready(now, findings=True):
            seen = observe(self._session)
            self._act_on(self.watch.due(seen, lambda: diagnose_signals(seen), findings=True))

    def after_divergence(self, error: DivergedError) -> bool:
        """Act on a divergence; return True if the run can continue."""
        now = self._session.state.iteration
        ready = [rule for rule in self.watch.ready(now) if rule.when == DIVERGED]
        for rule in ready:
            self._act_on([Due(rule, str(error), rule.target(now, None))])
        return bool(ready) and self.mode == "act"

    def _act_on(self, due: Sequence[Due]) -> None:
        session = self._session
        for each in due:
            rule = each.rule
            settings = {**session.settings.as_dict(), **session.built}
            firing = self.watch.fire(each, session.state.iteration, settings)
            if firing is None or self.mode != "act":
                continue
            if rule.back:
                first = session.branches.roots[
                    session.branches.root_of(session.branches.current)
                ].first.iteration
                goto(session, max(first, firing.back), None)
            if rule.hold:
                now = session.state.iteration
                self._returns += [(now + rule.hold, name, settings[name], rule) for name in firing.change]
            session.change(firing.change, origin_of(rule, each.evidence))
            if rule.back:  # the other rules were evaluated on a state that the run has left
                return

    def _return_values(self, now: int) -> None:
        """Restore the settings that a rule changed temporarily."""
        over = [each for each in self._returns if each[0] <= now]
        self._returns = [each for each in self._returns if each[0] > now]
        for _, name, old, rule in over:
            reason = str(Message("{rule}: over after {n} iterations", rule=rule.name, n=rule.hold))
            self._session.change({name: old}, Origin("rule", "rule", reason))
