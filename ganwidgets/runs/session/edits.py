"""Edits of networks by hand, recorded as interventions with snapshots.

No update computes such a state, so travel and replay across an edit continue from its snapshot.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from ganwidgets.errors import DivergedError
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import EDIT, Intervention, Origin
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.record.snapshots import DISK_BUDGET, Snapshot
from ganwidgets.runs.session.branching import branch_off
from ganwidgets.runs.session.full_state import described
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.state_tree import state_tree
from ganwidgets.stepping.edits.hand_edits import HandEdit
from ganwidgets.stepping.modules.tensors import all_finite, tensors_of

if TYPE_CHECKING:
    from ganwidgets.runs.session.session import Session

__all__ = [
    "BY_HAND",
    "EditSnapshots",
    "place_after",
    "take_edits",
    "take_edits_amid_updates",
    "undo_not_finite",
]

BY_HAND = Origin("user", "code")


class EditSnapshots:
    """Snapshots of edits; they are pinned while together they take at most half of the disk budget."""

    def __init__(self) -> None:
        self._pinned: deque[Snapshot] = deque()
        self._size = 0

    def pin(self, session: Session, place: Position) -> None:
        """Pin the newest snapshot of `place`, and unpin older ones if there are too many."""
        snapshot = next(s for s in reversed(list(session.snapshots)) if s.place == place)
        session.snapshots.pin(snapshot)
        self._pinned.append(snapshot)
        self._size += snapshot.size
        while self._size > DISK_BUDGET // 2 and len(self._pinned) > 1:
            oldest = self._pinned.popleft()
            self._size -= oldest.size
            session.snapshots.unpin(oldest)


def place_after(record: Intervention) -> Position:
    """Return the place of a run after an edit."""
    return Position(record.branch, record.iteration, record.seq + 1)


def take_edits(session: Session, origin: Origin = BY_HAND, *, trains: bool = False) -> None:
    """Record the user's edits since the last update, if any.

    Parameters
    ----------
    trains : bool
        True if the run is about to go on. Numbers that are not finite are otherwise left for its next update.

    Raises
    ------
    DataError
        If the networks have another structure now.
    DivergedError
        If an edit wrote numbers that are not finite and the run is about to go on; the edit is undone.
    """
    state, log, branches = session.state, session.log, session.branches
    edit = state.edits.find()
    if edit is None:
        return
    if not state.finite():
        if trains and (names := _without_not_finite(session, edit)):
            raise DivergedError(
                Message(
                    "{names} was changed by hand after iteration {iteration} to numbers that are not finite; the run is "
                    "there, without this change. Write finite numbers",
                    names=", ".join(names),
                    iteration=state.iteration,
                ),
                state.iteration,
            )
        return
    _say_inexact(session, edit)
    if not edit.of_record:
        return
    networks, gradients = state.edits.before()
    tree = state_tree(state)
    tree["networks"].update(networks)
    tree.pop("requires_grad", None)
    if switched := state.switched_gradients(gradients):
        tree["requires_grad"] = switched
    session.begin_root(tree)
    if not branches.at_tip:
        branch_off(session, branches.free_name(), branches.tips)
    log.branch = branches.current
    due = log.hash_due(state.iteration, state.samples_seen)
    before = digest(described(session, log.in_force, session.run, session.built, tree)) if due else ""
    state.adopt_edits(session.in_force())
    log.act(state.iteration, EDIT, str(edit), origin, state.samples_seen, before)
    session.keep_edit()
    state.edits.note()


def undo_not_finite(session: Session) -> None:
    """Undo the user's edits since the last update if they wrote numbers that are not finite."""
    edit = session.state.edits.find()
    if edit is not None:
        _without_not_finite(session, edit)


def _without_not_finite(session: Session, edit: HandEdit) -> list[str]:
    """Undo an edit that wrote numbers that are not finite; return the names of their tensors, if any."""
    state = session.state
    before, _ = state.edits.before()
    now = {network: tensors_of(module) for network, module in state.networks.items()}
    written = {
        name: (now[network][path], before[network][path])
        for name, (network, path) in ((name, name.split(".", 1)) for name in edit.values)
        if path in before[network]  # a shared tensor has its first name
    }
    excepted = state.may_be_infinite()
    names = [
        name
        for name, (tensor, _) in written.items()
        if id(tensor) not in excepted and not all_finite([tensor])
    ]
    if names:
        with torch.no_grad():
            for tensor, content in written.values():
                tensor.copy_(content)
    return names


def take_edits_amid_updates(session: Session) -> None:
    """Record weight changes by another thread during updates, after the update that detected them.

    The state without the change never existed, so the record has no hash of a state before it.
    """
    state, log, weights = session.state, session.log, session.run.engine.weights
    changed = set(map(id, weights.changed))
    weights.changed = []
    names = tuple(
        f"{network}.{name}"
        for network, module in state.networks.items()
        for name, parameter in module.named_parameters()
        if id(parameter) in changed
    )
    edit = HandEdit(values=names, replaced=(), gradients={})
    log.act(state.iteration, EDIT, f"{edit} (while updates went on)", BY_HAND, state.samples_seen)
    session.keep_edit()


def _say_inexact(session: Session, edit: HandEdit) -> None:
    """Mark a run as not exact, because an edit changed something that no stored state holds."""
    changed = [*edit.behavior, *edit.hooks]
    if not changed:
        return
    session.run = replace(
        session.run,
        exact=False,
        exact_because=Message(
            "close, not exact: {changed} was changed by hand at iteration {iteration}, which no stored state holds; "
            "going back before it, or loading the run elsewhere, computes with the networks that are there",
            changed=", ".join(changed),
            iteration=session.state.iteration,
        ),
    )
