"""Findings of a run."""

from __future__ import annotations

from ganwidgets.diagnosis.finding import Finding
from ganwidgets.diagnosis.game_findings import findings_of_game
from ganwidgets.diagnosis.ineffective import ineffective_settings
from ganwidgets.diagnosis.signals import Signals, observe, recorded
from ganwidgets.diagnosis.symptoms import findings_of
from ganwidgets.runs.session.session import Session

__all__ = ["diagnose", "diagnose_signals"]


def diagnose(session: Session) -> tuple[Finding, ...]:
    """Return the findings of a run, most severe first; call this between two steps.

    Before the first step nothing is measured, so only settings without effect are found.
    """
    return diagnose_signals(observe(session) if session.state.iteration else recorded(session))


def diagnose_signals(seen: Signals) -> tuple[Finding, ...]:
    """Return the findings that follow from signals, most severe first."""
    if seen.game.from_noise:
        return findings_of(seen) + ineffective_settings(seen)
    return findings_of_game(seen, seen.game)
