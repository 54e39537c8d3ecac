"""Travel to any place of a run: restore the nearest snapshot before it, and repeat the steps from there.

An error on the way, in user code for example, leaves the run unchanged.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ganwidgets.errors import CheckpointError, DivergedError
from ganwidgets.messages import Message
from ganwidgets.runs.record.branches import BranchStart, RunPoint
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import (
    CODE,
    CONTINUOUS,
    EDIT,
    SWITCH,
    Intervention,
    InterventionLog,
    gathered,
    is_update,
)
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.branching import branch_off, kept_tip
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.fitting import check_fits
from ganwidgets.runs.state.state_tree import put_tree
from ganwidgets.stepping.assembly import Assembled
from ganwidgets.stepping.engine import ALL, NonFiniteError
from ganwidgets.stepping.runtime.ambient import pinned

__all__ = [
    "Replayer",
    "SnapshotReplay",
    "fork",
    "go_to",
    "goto",
    "history_of",
    "restore_at",
    "switch",
    "tip_of",
    "undo",
]


def goto(session: Session, iteration: Any, name: str | None) -> None:
    """Travel to the place just after iteration `iteration` of a branch."""
    branches = session.branches
    branch = branches.current if name is None else branches.named(name).id
    first, last = branches.roots[branches.root_of(branch)].first.iteration, tip_of(session, branch).iteration
    if not _is_whole(iteration) or not first <= iteration <= last:
        raise ValueError(
            Message(
                "iteration {iteration!r} cannot be reached: branch {name!r} goes from {first} to {last}",
                iteration=iteration,
                name=branches.by_id[branch].name,
                first=first,
                last=last,
            )
        )
    _go(session, branch, _after(session, branch, int(iteration)), to_tip=False)
    session.autosave.save()


def go_to(session: Session, place: Position) -> None:
    """Travel to `place`, on its branch, unless the run is there."""
    session.recover()
    if session.branches.owned(place) != session.branches.owned(session.place):
        _go(session, place.branch, place, to_tip=False)


def switch(session: Session, name: str) -> None:
    """Switch to the tip of a branch."""
    branch = session.branches.named(name).id
    _go(session, branch, tip_of(session, branch), to_tip=True)
    session.autosave.save()


def fork(session: Session, name: str) -> None:
    """Begin a branch of that name at the current place."""
    name = session.branches.check_new(name)
    session.recover()
    if not session.branches.at_tip:
        branch_off(session, name, session.branches.tips)
    else:
        with session.transaction() as here:
            tips = kept_tip(session, here)
            session.history = here.history.until(here.snapshot.place.iteration)
            branch_off(session, name, tips)
    session.autosave.save()


def undo(session: Session, seq: Any) -> None:
    """Travel to the place just before an intervention and all others at that place."""
    log, branches = session.log, session.branches
    session.recover()
    made = log.everything
    asked = list(log.asked)
    changed = [number for number in log.lineage if made[number].setting != SWITCH]
    if seq is None and not asked and not changed:
        raise ValueError(Message("there is nothing to undo: nothing has been changed in this run yet"))
    if seq is None:
        last = max(range(len(asked)), key=lambda place: log.asked[asked[place]][0].change, default=None)
        seq = _first_write(session, changed[-1]) if last is None else len(made) + last
    if not _is_whole(seq) or not 0 <= seq < len(made) + len(asked):
        raise ValueError(
            Message("there is no intervention {seq!r}; timeline.interventions lists them by seq", seq=seq)
        )
    if seq >= len(made):
        session.change(log.together_with(asked[int(seq) - len(made)]), CODE)
        session.autosave.save()
        return
    record = _first_at_its_place(made, int(seq))
    root = branches.roots.get(record.branch)
    if root is None or record.seq >= root.first.seq:
        place = Position(record.branch, record.iteration, _next(session, record))
    elif (start := branches.by_id[record.branch].start) is not None:
        place = start
    else:
        raise ValueError(
            Message(
                "intervention {seq} cannot be undone: it took force before the run was loaded, and what was "
                "loaded does not reach that far back",
                seq=seq,
            )
        )
    holds_it = any(entry is record for entry in branches.lineage(branches.current, made))
    same_root = branches.root_of(branches.current) == branches.root_of(place.branch)
    branch = branches.current if holds_it and same_root else place.branch
    _go(session, branch, Position(branch, place.iteration, place.seq), to_tip=False)
    session.autosave.save()


def _first_write(session: Session, seq: int) -> int:
    """Return the first write of the regulating rule that made record `seq`, or `seq` itself."""
    log = session.log
    made = log.everything
    listed = gathered([made[number] for number in log.lineage])
    last = made[seq]
    if last.source != CONTINUOUS:
        return seq
    return next(record.seq for record in reversed(listed) if record.setting == last.setting)


def _is_whole(number: Any) -> bool:
    return isinstance(number, numbers.Integral) and not isinstance(number, bool)


# --- places -----------------------------------------------------------------------------------------


def tip_of(session: Session, branch: int) -> Position:
    """Return the tip of `branch`."""
    tip = session.branches.tips.get(branch)
    place = session.place if tip is None else tip.snapshot.place
    return Position(branch, place.iteration, place.seq)


def history_of(session: Session, branch: int) -> History:
    """Return the history of a whole branch, from its first state to its tip."""
    tip = session.branches.tips.get(branch)
    return session.history if tip is None else tip.history


def _after(session: Session, branch: int, iteration: int) -> Position:
    """Return the place just after step `iteration`."""
    branches = session.branches
    root = branches.roots[branches.root_of(branch)]
    seq = root.first.seq
    for record in branches.lineage(branch, session.log.everything):
        if record.seq >= root.first.seq and record.iteration < iteration:
            seq = record.seq + 1
    return Position(branch, iteration, seq)


def _first_at_its_place(made: list[Intervention], seq: int) -> Intervention:
    """Return the first of the interventions at the place of intervention `seq`."""
    record = made[seq]
    while seq > 0:
        earlier = made[seq - 1]
        if is_update(earlier.setting) or is_update(record.setting) or _moment(earlier) != _moment(record):
            break
        seq, record = seq - 1, earlier
    return record


def _moment(record: Intervention) -> tuple[int, int, int, str]:
    return record.branch, record.iteration, record.samples_seen, record.hash_before


def _next(session: Session, record: Intervention) -> int:
    """Return a number above all interventions before `record` on its line."""
    before = [
        r.seq for r in session.branches.lineage(record.branch, session.log.everything) if r.seq < record.seq
    ]
    return before[-1] + 1 if before else 0


# --- the way ----------------------------------------------------------------------------------------


def _go(session: Session, branch: int, target: Position, *, to_tip: bool) -> None:
    """Travel to `target` on `branch`; at its tip restore the pending settings too."""
    session.recover()
    branches, log = session.branches, session.log
    there = branches.current == branch and branches.owned(target) == branches.owned(session.place)
    if there and (branches.at_tip if to_tip else not log.pending):
        return
    with session.transaction() as here:
        try:
            tips = kept_tip(session, here)
            tip = tips[branch]
            if not tip.snapshot.asked and tip.snapshot.place == branches.owned(target):
                to_tip = True
            lineage = [r.seq for r in branches.lineage(branch, log.everything) if r.seq < target.seq]
            run, built, snapshot = restore_at(session, here, target)
            session.restore(
                RunPoint(
                    run,
                    built,
                    dataclasses.replace(snapshot, asked=tip.snapshot.asked if to_tip else {}),
                    lineage,
                    tip.history if to_tip else tip.history.until(target.iteration),
                    branch,
                    {number: t for number, t in tips.items() if number != branch} if to_tip else tips,
                )
            )
        except BaseException as error:
            error.add_note(
                Message(
                    "The run is where it was: at iteration {n} of branch {name!r}.",
                    n=here.snapshot.place.iteration,
                    name=branches.by_id[here.branch].name,
                )
            )
            raise
    if to_tip:
        session.snapshots.discard(tip.snapshot)  # the run is there, and extends it


def restore_at(
    session: Session, here: RunPoint | None, target: Position
) -> tuple[Assembled, Mapping[str, Any], Snapshot]:
    """Move the state to `target` and return its other content; everything else is unchanged.

    Parameters
    ----------
    here : RunPoint or None
        The current place, if there is one.
    """
    branches = session.branches
    root = branches.roots[branches.root_of(target.branch)]
    snapshot, content = _nearest(session, here, target)
    with pinned(device=session.device):
        if here is not None and branches.root_of(here.branch) == branches.root_of(target.branch):
            run = here.run
        else:
            values = {**snapshot.settings, **root.built}
            run = dataclasses.replace(session.assembled(values, root.source), threads=root.threads)
        replay = SnapshotReplay(run, root, snapshot)
        with pinned(run.threads, session.device):
            if here is None or snapshot is not here.snapshot or run is not here.run:
                check_fits(run.state, content)
                put_tree(run.state, content, replay.rules())
            try:
                replay.go_on(branches.lineage(target.branch, session.log.everything), session.log, target)
            except NonFiniteError as error:
                raise _replay_diverged(target) from error
            # What does not repeat exactly may go astray.
            if replay.steps and not run.state.finite():
                raise _replay_diverged(target)
    return run, root.built, Snapshot(branches.owned(target), 0, replay.settings, {}, None)


def _replay_diverged(target: Position) -> DivergedError:
    return DivergedError(
        Message(
            "on the way to iteration {iteration} numbers became infinite or NaN that were not when the run "
            "was there first; it does not repeat exactly",
            iteration=target.iteration,
        ),
        target.iteration,
    )


def _nearest(session: Session, here: RunPoint | None, target: Position) -> tuple[Snapshot, dict[str, Any]]:
    """Return the snapshot with the shortest way to `target`, and its content."""
    branches = session.branches
    present = [] if here is None else [here.snapshot]
    found = {id(s): s for s in (*present, *session.snapshots) if branches.leads_to(s, target)}
    candidates = sorted(
        found.values(),
        key=lambda s: (s.place.iteration, s.place.seq, s.repeated, s in present),
        reverse=True,
    )
    for snapshot in candidates:
        content = session.snapshots.read(snapshot)
        if content is not None:
            return snapshot, content
    raise CheckpointError(
        Message(
            "iteration {iteration} cannot be reached: no snapshot before it can be read",
            iteration=target.iteration,
        )
    )


class Replayer:
    """Repeats the events since a fresh start.

    Parameters
    ----------
    run : Assembled
        The parts made at the fresh start.
    root : BranchStart
        Its first state.
    settings : mapping
        Settings in force at the start.

    Attributes
    ----------
    settings : dict
        Settings in force at the current place.
    steps : int
        How many updates were carried out.
    """

    def __init__(self, run: Assembled, root: BranchStart, settings: Mapping[str, Any]) -> None:
        self.run = run
        self.root = root
        self.settings = dict(settings)
        self.steps = 0
        self._configured = False

    def rules(self) -> SimpleNamespace:
        """Return every setting's value for the next update."""
        return SimpleNamespace(**{**self.settings, **self.root.built})

    def _obey(self, record: Intervention, log: InterventionLog) -> None:
        """Apply `record`.

        Raises
        ------
        CheckpointError
            If it is a change by hand: only its snapshot leads across it.
        """
        if record.setting == EDIT:
            raise CheckpointError(
                Message(
                    "networks were changed by hand after iteration {iteration}, and the snapshot of that change is lost",
                    iteration=record.iteration,
                )
            )
        if record.setting == SWITCH:
            self.run.state.stepper = "" if record.new == "eager" else record.new
        else:
            self.settings[record.setting] = log.value(record.seq)
        self._configured = False

    def _advance(self, what: str) -> None:
        """Carry out one full step, or one update of one player."""
        if not self._configured:
            self.run.engine.configure(self.rules())
            self._configured = True
        self.run.engine.advance(what, measure=False)
        self.steps += 1


class SnapshotReplay(Replayer):
    """Travels from a snapshot to another place."""

    def __init__(self, run: Assembled, root: BranchStart, snapshot: Snapshot) -> None:
        super().__init__(run, root, snapshot.settings)
        self._snapshot = snapshot

    def go_on(self, lineage: list[Intervention], log: InterventionLog, target: Position) -> None:
        """Carry out steps and interventions until `target`."""
        begun = self._snapshot.place.seq
        for record in lineage:
            if not max(begun - 1, self.root.first.seq) <= record.seq < target.seq:
                continue
            partly = record.seq == begun - 1
            if partly and not is_update(record.setting):
                continue
            self._step_until(record.iteration)
            if is_update(record.setting):
                for _ in range(record.new - (self._snapshot.repeated if partly else 0)):
                    self._advance(self.run.state.game.actions[record.setting])
            else:
                self._obey(record, log)
        self._step_until(target.iteration)

    def _step_until(self, iteration: int) -> None:
        for _ in range(iteration - self.run.state.iteration):
            self._advance(ALL)
