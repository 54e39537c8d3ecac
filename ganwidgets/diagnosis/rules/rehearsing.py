"""Evaluation of rules on a recorded run."""

from __future__ import annotations

from collections.abc import Sequence

from ganwidgets.diagnosis.diagnose import diagnose_signals
from ganwidgets.diagnosis.rules.autopilot import EVERY, FINDINGS_EVERY, Watch
from ganwidgets.diagnosis.rules.rule import Firing, Rule, refuse_rules_of_other_games
from ganwidgets.diagnosis.signals import observe, recorded
from ganwidgets.runs.session.session import Session

__all__ = ["rehearsed"]


def rehearsed(session: Session, rules: Sequence[Rule]) -> list[Firing]:
    """Return the firings of `rules` on the run up to its current iteration; call this between two steps.

    The recorded run does not obey the rules, so a rule whose condition persists fires again after its cooldown. Rules
    on findings need snapshots; they are not evaluated between two snapshots.
    """
    refuse_rules_of_other_games(rules, session.own.game)
    last = session.state.iteration
    watch = Watch(rules, recorded(session, min(EVERY, last)).settings)
    for iteration in range(EVERY, last + 1, EVERY):
        if watch.ready(iteration, findings=False):
            seen = recorded(session, iteration)
            for due in watch.due(seen, tuple, findings=False):
                watch.fire(due, iteration, seen.settings)
        if iteration % FINDINGS_EVERY == 0 and watch.ready(iteration, findings=True):
            probed = observe(session, iteration)
            for due in watch.due(probed, lambda p=probed: diagnose_signals(p), findings=True):  # type: ignore[misc]
                watch.fire(due, iteration, probed.settings)
    return watch.firings
