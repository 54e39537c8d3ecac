"""Exact, independent copies of a run."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganwidgets.runs.record.branches import Branches
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import CODE, Intervention, Origin
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.record.snapshots import Snapshot, Snapshots, TemporaryShelf
from ganwidgets.runs.session.branching import branch_start
from ganwidgets.runs.session.full_state import described
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.state_tree import copied, state_tree
from ganwidgets.runs.timeline.travel import history_of, restore_at, tip_of
from ganwidgets.training_flags import put_flags

__all__ = ["begin_here", "copy_at", "copy_here", "copy_of_tip", "restored_aside", "unnoticed"]


def copy_here(session: Session) -> Session:
    """Return a copy that continues, bit for bit, like `session`, without its past states."""
    with unnoticed(session):
        tree = copied(session.tree())
        log = session.log
        led = log.records(session.state.iteration, session.state.samples_seen)
        led = led[: len(led) - len(log.asked)]
        return _copy(session, session.built, tree, session.history, led, log.asked, log.in_force)


def copy_of_tip(session: Session, branch: int) -> Session:
    """Return a copy that continues like branch `branch`."""
    if branch == session.branches.current and session.branches.at_tip:
        return copy_here(session)
    tip = session.branches.tips[branch]
    made = copy_at(session, tip_of(session, branch))
    made.change({name: value for name, (_, value) in tip.snapshot.asked.items()}, CODE)
    return made


def copy_at(session: Session, place: Position) -> Session:
    """Return a copy of the run at `place` in the past of `session`, recomputed on copies.

    Raises
    ------
    CheckpointError
        If no snapshot before it can be read, or a change by hand whose snapshot is lost is in between.
    """
    with unnoticed(session):
        branches = session.branches
        root = branches.roots[branches.root_of(place.branch)]
        made, snapshot = restored_aside(session, place)
        state = copied(state_tree(made.state))
        tree = copied(described(made, snapshot.settings, made.run, made.built, state))
        led = [
            record
            for record in branches.lineage(place.branch, session.log.everything)
            if record.seq < place.seq
        ]
        return _copy(session, root.built, tree, history_of(session, place.branch), led, {}, snapshot.settings)


def restored_aside(session: Session, place: Position) -> tuple[Session, Snapshot]:
    """Return a session with copied networks at `place`, and the settings in force there.

    It reads the branches, the log and the snapshots of `session`, so it is good for looking only. Call it within
    :func:`unnoticed`.
    """
    branches = session.branches
    root = branches.roots[branches.root_of(place.branch)]
    made = _blank(session, root.built, root.settings)
    made.branches, made.log, made.snapshots = session.branches, session.log, session.snapshots
    run, built, snapshot = restore_at(made, None, place)
    made.run, made.built = run, dict(built)
    return made, snapshot


def _copy(
    session: Session,
    built: Mapping[str, Any],
    tree: Mapping[str, Any],
    history: History,
    led: list[Intervention],
    asked: Mapping[str, tuple[Origin, Any]],
    in_force: Mapping[str, Any],
) -> Session:
    settings = {**in_force, **{name: value for name, (_, value) in asked.items()}}
    made = _blank(session, built, settings)
    if settings["data"] is not made.settings.data:
        made.settings.data = settings["data"]
    made.load_tree(tree, CODE)
    made.own_start = copied(session.own_start)
    made.history = history.until(tree["iteration"])
    made.features = session.features
    records = [replace(record, seq=seq, branch=0) for seq, record in enumerate(led)]
    made.log.restore(records, in_force, asked)
    begin_here(made)
    _put_flags_of(session, made)
    return made


def _blank(session: Session, built: Mapping[str, Any], settings: Mapping[str, Any]) -> Session:
    """Return a fresh start like that of `session`, with copied networks."""
    chosen = {name: value for name, value in built.items() if name != "data"}
    given = {**session.own.given(), **_copied_networks(session.own.networks)}
    started = {name: settings[name] for name in ("batch_size", "loss", "penalty") if name in settings}
    return Session(built["data"], given, session.device, {**chosen, **started}, session.sources.known)


def _copied_networks(networks: Mapping[str, nn.Module | None]) -> dict[str, nn.Module | None]:
    """Return copies that preserve shared objects between networks."""
    # Computed tensors cannot be copied deeply; they are recomputed when the copy runs.
    computed = {
        id(value): value.detach().clone()
        for network in networks.values()
        if network is not None
        for module in network.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    made: dict[str, nn.Module | None] = copy.deepcopy(dict(networks), computed)
    return made


def _put_flags_of(session: Session, made: Session) -> None:
    """Set the copies' training flags to the user's."""
    for name, network in made.state.networks.items():
        flags = [module.training for module in session.state.networks[name].modules()]
        put_flags(list(network.modules()), flags)


@contextmanager
def unnoticed(session: Session) -> Iterator[None]:
    """Context: restore the global generator, from which a network may draw."""
    session.recover()
    drawn = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(drawn)


def begin_here(session: Session) -> None:
    """Begin the run at its current place, with its past recorded but not reachable."""
    session.branches = Branches()
    session.snapshots = Snapshots(TemporaryShelf())
    session.roots_kept = set()
    session.log.seal()
    session.updates.configured = False
    session.branches.grow("main", "load", None, {}, branch_start(session))
