"""Replay: a stored run recomputed through all branches, and compared with the stored states."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ganwidgets.errors import CheckpointError, CheckpointWarning
from ganwidgets.messages import Message
from ganwidgets.runs.files.decoding import place_from
from ganwidgets.runs.files.documents import RunDocument
from ganwidgets.runs.folder.opening import Found, read_session
from ganwidgets.runs.folder.replay_report import Difference, ReplayReport, Verdict
from ganwidgets.runs.record.branches import BranchStart
from ganwidgets.runs.record.interventions import EDIT, Intervention, InterventionLog, is_update
from ganwidgets.runs.record.places import Branch, Position
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.edits import place_after
from ganwidgets.runs.session.full_state import described
from ganwidgets.runs.state.checkpoint_errors import sound
from ganwidgets.runs.state.environment import environment
from ganwidgets.runs.state.fitting import check_fits
from ganwidgets.runs.state.hashing import tensor_bytes
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.state.migrations import is_hash_of
from ganwidgets.runs.state.state_tree import copied, put_tree, state_tree
from ganwidgets.runs.store import RunFolder
from ganwidgets.runs.timeline.travel import Replayer
from ganwidgets.stepping.assembly import Assembled
from ganwidgets.stepping.engine import ALL, NonFiniteError
from ganwidgets.stepping.runtime.ambient import pinned, under_pinned_modes

__all__ = ["replayed"]

NEAR = {"rtol": 1e-3, "atol": 1e-5}
"""Tolerances within which results of another environment are close."""

ReplayPosition = tuple[int, int, int]
"""Position on one branch: full steps, interventions, and updates of the next intervention."""


@under_pinned_modes
def replayed(path: str | os.PathLike[str], data: Any, own: Mapping[str, Any]) -> ReplayReport:
    """Recompute the run in the folder `path`, read-only, and return a report.

    Raises
    ------
    CheckpointError
        If there is no run, or it is damaged, newer, or does not match the arguments.
    """
    with RunFolder.open(path, writable=False) as folder:
        with sound(folder.path):
            device = _device(converted(folder.document, RunDocument).device)
        found = read_session(folder, data, own, device)
        with sound(folder.path):
            return Verification(found, device).report()


def _device(recorded: str) -> torch.device:
    """Return the device of a stored run, or the CPU if this machine has no such device."""
    device = torch.device(recorded)
    there = device.type == "cuda" and (device.index or 0) < torch.cuda.device_count()
    return device if there else torch.device("cpu")


class Enough(Exception):  # noqa: N818 - it is no error
    """Signals the first difference, with everything known about it."""


@dataclass(frozen=True)
class Beginning:
    """The first state of a branch, and the settings in force; `counted` as in :class:`Walk`."""

    run: Assembled
    tree: dict[str, Any]
    settings: Mapping[str, Any]
    counted: int


class Verification:
    """Recomputes a run.

    Parameters
    ----------
    found : Found
        The run as it was stored.
    device : torch.device
    """

    def __init__(self, found: Found, device: torch.device) -> None:
        self._found = found
        self._session = found.session
        self._branches = found.session.branches
        self._records = found.session.log.everything
        self._beginnings: dict[int, Beginning] = {}
        self._device = device
        self._environment = self._changed(device)
        self._first: Difference | None = None
        self._near = False
        self._exact = True
        self._states = 0
        self._edits: list[Intervention] = []
        self._steps = 0

    def report(self) -> ReplayReport:
        """Recompute everything and return the report."""
        try:
            with pinned(device=self._device):
                for branch in self._branches.by_id.values():
                    self._follow(branch)
        except Enough:
            pass
        edits = tuple((record.iteration, str(record.new)) for record in self._edits)
        return ReplayReport(self._verdict(), self._first, self._environment, self._states, self._steps, edits)

    def _verdict(self) -> Verdict:
        if self._first is None:
            return "equal"
        if not self._exact:
            return "not exact"
        return "close" if self._environment and self._near else "differs"

    def _changed(self, device: torch.device) -> dict[str, tuple[str, str]]:
        """Return the differences of the environment."""
        now = environment(device, self._session.run.threads)
        changed = {}
        for name in ("torch", "python", "device", "processor"):
            then = dict.fromkeys(str(known[name]) for known in self._found.current["environments"])
            if list(then) != [now[name]]:
                changed[name] = ", ".join(then), now[name]
        return changed

    # --- the way --------------------------------------------------------------------------------

    def _follow(self, branch: Branch) -> None:
        """Recompute a branch from its first state to its tip."""
        root = self._branches.roots[self._branches.root_of(branch.id)]
        begins = self._begin(root) if branch.id in self._branches.roots else self._beginnings.pop(branch.id)
        walk = Walk(begins, root, self._session.log, self._edited)
        records = [
            record
            for record in self._records
            if record.branch == branch.id
            and (branch.id not in self._branches.roots or record.seq >= root.first.seq)
        ]
        stops = self._stops(branch, records)
        with pinned(root.threads, self._device):
            walk.begin()
            try:
                for position in walk.along(records, self._tip(branch.id).iteration):
                    if position[2] == 0 and position[1] < len(records):
                        self._compare_before(walk, branch, records, position)
                    for stop in stops.pop(position, []):
                        self._compare(walk, branch, stop)
            except NonFiniteError as error:
                self._note(branch, walk.run.state.iteration, (error.quantity,))
                raise Enough from error
            finally:
                self._steps += walk.steps
        if stops:
            raise ValueError(f"branch {branch.id} does not lead to {min(stops)}")

    def _edited(self, record: Intervention) -> dict[str, Any]:
        """Return the stored state after an edit by hand, which no update produces."""
        for snapshot in self._found.shelf.rows:
            if snapshot.place == place_after(record):
                self._edits.append(record)
                return self._found.shelf.stored(snapshot)
        raise CheckpointError(
            Message(
                "networks were changed by hand after iteration {iteration}, and the snapshot of that change is lost",
                iteration=record.iteration,
            )
        )

    def _begin(self, root: BranchStart) -> Beginning:
        """Return the first state of a fresh start, recomputed, or the state that was loaded."""
        session = self._session
        run = session.assembled({**root.settings, **root.built}, root.source)
        if run.threads != root.threads:
            self._environment["threads"] = str(root.threads), str(run.threads)
        run = replace(run, threads=root.threads)
        self._exact = self._exact and run.exact
        if self._branches.by_id[root.first.branch].origin != "load":
            session.own.put(session.own_start)
            return Beginning(run, copied(state_tree(run.state)), root.settings, 0)
        for snapshot in self._found.shelf.rows:
            if snapshot.place == root.first:
                tree = self._found.shelf.read(snapshot)
                check_fits(run.state, tree)
                return Beginning(run, tree, root.settings, tree.get("d_updates", 0))
        raise CheckpointError(
            Message(
                "iteration {iteration} cannot be reached: no snapshot before it can be read",
                iteration=root.first.iteration,
            )
        )

    def _tip(self, branch: int) -> Position:
        tip = self._found.tips.get(branch)
        return place_from(self._found.current["place"]) if tip is None else tip.snapshot.place

    def _stops(
        self, branch: Branch, records: list[Intervention]
    ) -> dict[ReplayPosition, list[Snapshot | Branch]]:
        """Return the branches that begin and the states stored on a branch, by position."""
        stops: dict[ReplayPosition, list[Snapshot | Branch]] = {}
        for snapshot in self._found.shelf.rows:
            if snapshot.place.branch == branch.id:
                position = _position(snapshot.place, records, snapshot.repeated)
                stops.setdefault(position, []).append(snapshot)
        for child in self._branches.by_id.values():
            if child.start is not None and child.start.branch == branch.id:
                stops.setdefault(_position(child.start, records, None), []).append(child)
        return stops

    # --- comparing ------------------------------------------------------------------------------

    def _stands_at(self, walk: Walk, stored: str) -> bool:
        """Return True if the walk has reached the state with that hash."""
        state = state_tree(walk.run.state)
        whole = described(self._session, walk.settings, walk.root, walk.root.built, state)
        return is_hash_of(whole, stored, counted=walk.counted)

    def _compare_before(
        self, walk: Walk, branch: Branch, records: list[Intervention], position: ReplayPosition
    ) -> None:
        """Compare with the hash before the next intervention, if it is due now."""
        record = records[position[1]]
        if record.iteration != position[0] or not record.hash_before:
            return
        if position[1]:  # what took force in the same moment has the same state before it
            last = records[position[1] - 1]
            if (last.iteration, last.hash_before) == (record.iteration, record.hash_before):
                return
        self._compare_hash(walk, branch, record)

    def _compare_hash(self, walk: Walk, branch: Branch, record: Intervention) -> None:
        self._states += 1
        if not self._stands_at(walk, record.hash_before):
            what = Message("the state before intervention {seq}", seq=record.seq)
            self._note(branch, walk.run.state.iteration, (what,))
            if not self._environment:
                raise Enough

    def _compare(self, walk: Walk, branch: Branch, stop: Snapshot | Branch) -> None:
        """Compare with a stored state, or begin another branch."""
        if isinstance(stop, Branch):
            if stop.origin == "fork":
                self._beginnings[stop.id] = Beginning(
                    walk.run, copied(state_tree(walk.run.state)), dict(walk.settings), walk.counted
                )
                return
            first = self._branches.roots[stop.id].first.seq
            led = [record for record in self._records if record.branch == stop.id and record.seq < first]
            for record in led[:1]:
                self._compare_hash(walk, branch, record)
            return
        self._states += 1
        row = self._found.shelf.rows[stop]
        now = copied(state_tree(walk.run.state))
        try:
            tree = self._found.shelf.stored(stop)
        except CheckpointError as error:
            warnings.warn(error.args[0], CheckpointWarning, stacklevel=2)
            tree = None
        if tree is not None and tree.get("d_updates") == walk.counted:
            tree["d_updates"] = now["d_updates"]
        what = _differences(now, walk.settings, tree, stop.settings)
        if not what and not self._stands_at(walk, row.place["state_hash"]):
            what = (Message("the hash of the state"),)
        if what or self._first is not None:
            self._near = tree is not None and _is_near(now, tree)
            self._note(branch, walk.run.state.iteration, what)
            raise Enough

    def _note(self, branch: Branch, iteration: int, what: tuple[str, ...]) -> None:
        if self._first is None:
            self._first = Difference(branch.name, iteration, what)


class Walk(Replayer):
    """Repeats the events of one branch.

    Attributes
    ----------
    counted : int
        Updates of D since the fresh start; see :func:`~ganwidgets.runs.state.migrations.is_hash_of`.
    """

    def __init__(
        self,
        begins: Beginning,
        root: BranchStart,
        log: InterventionLog,
        edited: Callable[[Intervention], dict[str, Any]],
    ) -> None:
        super().__init__(begins.run, root, begins.settings)
        self._edited = edited
        self.counted = begins.counted
        self._log = log
        self._tree = begins.tree

    def begin(self) -> None:
        """Restore the first state."""
        put_tree(self.run.state, self._tree, self.rules())

    def along(self, records: list[Intervention], tip: int) -> Iterator[ReplayPosition]:
        """Go to iteration `tip`, and report each position on the way."""
        state = self.run.state
        yield state.iteration, 0, 0
        for index, record in enumerate(records):
            while state.iteration < record.iteration:
                self._advance(ALL)
                yield state.iteration, index, 0
            if is_update(record.setting):
                for done in range(1, record.new + 1):
                    self._advance(self.run.state.game.actions[record.setting])
                    if done < record.new:
                        yield state.iteration, index, done
            else:
                self._obey(record, self._log)
            yield state.iteration, index + 1, 0
        while state.iteration < tip:
            self._advance(ALL)
            yield state.iteration, len(records), 0

    def _obey(self, record: Intervention, log: InterventionLog) -> None:
        if record.setting != EDIT:
            super()._obey(record, log)
            return
        tree = self._edited(record)
        check_fits(self.run.state, tree)
        put_tree(self.run.state, tree, self.rules())
        self._configured = False

    def _advance(self, what: str) -> None:
        # Only the classic game has stored runs of versions that counted all updates of D.
        if what != "generator" and not self.settings.get("freeze_d", True):
            self.counted += self.settings["d_steps"] if what == ALL else 1
        super()._advance(what)


def _position(place: Position, records: list[Intervention], repeated: int | None) -> ReplayPosition:
    """Return the position of a place among the `records` of its branch.

    Parameters
    ----------
    repeated : int or None
        Number of updates in the last of them, if it is a record of updates; None for all.
    """
    done = sum(record.seq < place.seq for record in records)
    if done and repeated is not None:
        last = records[done - 1]
        if is_update(last.setting) and last.iteration == place.iteration and repeated < last.new:
            return place.iteration, done - 1, repeated
    return place.iteration, done, 0


def _differences(
    now: dict[str, Any], settings: Mapping[str, Any], tree: dict[str, Any] | None, stored: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the names of differing values."""
    names = [
        name
        for name, value in stored.items()
        if value is not settings[name] and (name == "data" or value != settings[name])
    ]
    if tree is None:
        return tuple(names)
    mine, its = _flat(now), _flat(tree)
    return (*names, *(name for name in {**mine, **its} if not _same(mine.get(name), its.get(name))))


def _flat(tree: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return the entries of nested dictionaries by path."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        at = f"{path}/{name}" if path else name
        found.update(_flat(value, at) if isinstance(value, Mapping) else {at: value})
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and tensor_bytes(one) == tensor_bytes(other)
    return type(one) is type(other) and bool(one == other)


def _is_near(now: dict[str, Any], tree: dict[str, Any]) -> bool:
    """Return True if the difference of numbers is small enough for another environment."""
    mine, its = _flat(now), _flat(tree)
    return mine.keys() == its.keys() and all(
        torch.allclose(value, its[name], equal_nan=True, **NEAR)
        if isinstance(value, Tensor)
        and isinstance(its[name], Tensor)
        and value.is_floating_point()
        and value.shape == its[name].shape
        and value.dtype == its[name].dtype
        else _same(value, its[name])
        for name, value in mine.items()
    )
