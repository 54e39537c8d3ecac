"""Records of a run in memory; read them between two steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganwidgets.data import Source
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.record.notes import notes_on
from ganwidgets.runs.record.run_record import RunRecord, called
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.environment import environment

__all__ = ["name_of", "record_here", "record_of_branch"]


def record_here(session: Session) -> RunRecord:
    """Return the record of a run up to its current place, including pending settings."""
    state, branch = session.state, session.branches.current
    led = session.log.records(state.iteration, state.samples_seen)
    settings = {**session.settings.as_dict(), **session.built}
    return _record(session, branch, settings, session.run.source, led, session.history)


def record_of_branch(session: Session, branch: int) -> RunRecord:
    """Return the record of a whole branch, up to its tip."""
    branches = session.branches
    tip = branches.tips.get(branch)
    if tip is None:
        return record_here(session)
    root = branches.roots[branches.root_of(branch)]
    asked = {name: value for name, (_, value) in tip.snapshot.asked.items()}
    settings = {**tip.snapshot.settings, **asked, **root.built}
    led = branches.lineage(branch, session.log.everything)
    return _record(session, branch, settings, root.source, led, tip.history)


def name_of(source: Source) -> str:
    """Return a table label of data."""
    return called(str(source.preset or source.name), source.preset is not None, source.fingerprint)


def _record(
    session: Session,
    branch: int,
    settings: Mapping[str, Any],
    source: Source,
    led: list[Intervention],
    history: History,
) -> RunRecord:
    branches = session.branches
    begun = branches.roots[branches.root_of(branch)].first.seq
    networks = session.own.networks
    return RunRecord(
        branch=branches.by_id[branch].name,
        branches=len(branches.by_id),
        settings={**settings, "data": name_of(source)},
        networks={
            name: "built in" if network is None else type(network).__name__
            for name, network in networks.items()
        },
        interventions=tuple(record for record in led if record.seq >= begun),
        history=history,
        rows=history.rows,
        versions=environment(session.device, session.run.threads),
        notes=tuple(
            (note.iteration, note.text) for note in notes_on(session.notes, branches, branch, history.rows)
        ),
    )
