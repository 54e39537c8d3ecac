"""Opening of a run folder as a session."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from traitlets import TraitError

from ganwidgets.data import Source, load_data
from ganwidgets.data.source import FiniteSource
from ganwidgets.data.two_sources import of_two
from ganwidgets.errors import CheckpointError, CheckpointWarning, DataError
from ganwidgets.games import settings_of
from ganwidgets.games.game import Game
from ganwidgets.messages import Message
from ganwidgets.runs.files.consistency import check_branches, check_places, check_records
from ganwidgets.runs.files.decoding import (
    asked_from,
    notes_from,
    place_from,
    root_from,
    snapshot_from,
)
from ganwidgets.runs.files.documents import BesideDocument, RunDocument, StandDocument
from ganwidgets.runs.files.stored_data import as_it_was_read, data_missing, source_of_samples
from ganwidgets.runs.folder.autosaver import FolderKeeper, whole_at
from ganwidgets.runs.folder.decoded import stored_branches, stored_histories, stored_interventions
from ganwidgets.runs.folder.snapshot_shelf import RunShelf
from ganwidgets.runs.record.branches import Branches, RunPoint, Tip
from ganwidgets.runs.record.history import History
from ganwidgets.runs.record.interventions import EDIT
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.record.snapshots import Snapshot
from ganwidgets.runs.session.edits import place_after
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.state.checkpoint_errors import sound
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.state.migrations import is_hash_of
from ganwidgets.runs.state.state_tree import (
    check_origin,
    data_name,
    halves_of,
    is_preset,
    other_data,
    state_tree,
)
from ganwidgets.runs.state.user_parts import UserParts, with_game_of
from ganwidgets.runs.store import RunFolder, SnapshotRow, Stored
from ganwidgets.runs.timeline.travel import restore_at
from ganwidgets.stepping.runtime.ambient import under_pinned_modes
from ganwidgets.stepping.streams.game_data import load_for

__all__ = ["Found", "look_at_session", "open_session", "read_session"]


@dataclass(frozen=True)
class Found:
    """Content of a folder, as a session at the first state of the run.

    Attributes
    ----------
    session : Session
        With all branches, interventions and snapshots.
    shelf : RunShelf
        The snapshots that are in the folder.
    known : Data
        The data of the run, by name.
    histories : dict of int to History
        Of each branch, from its first state to its tip.
    tips : dict of int to Tip
        Tips of the branches, except the current one if the run is at its tip.
    here : Snapshot or None
        The state at which the run was left; None in the past.
    current : dict
        The last stored current place.
    stored : set of str
        What else is in the folder.
    """

    session: Session
    shelf: RunShelf
    known: Data
    histories: dict[int, History]
    tips: dict[int, Tip]
    here: Snapshot | None
    current: dict[str, Any]
    stored: set[str]


@under_pinned_modes
def open_session(
    path: str | os.PathLike[str],
    data: Any,
    own: Mapping[str, Any],
    device: torch.device,
) -> Session:
    """Return the session of the run in the folder `path`, at its last place, and continue to store it there.

    Parameters
    ----------
    path
        The folder.
    data
        The training data if the folder does not hold it, else None.
    own : mapping
        As :func:`~ganwidgets.runs.state.user_parts.brought` returns it.
    device : torch.device
        Where to compute.

    Raises
    ------
    CheckpointError
        If there is no run, or it is damaged, newer, or does not match the arguments.
    """
    folder = RunFolder.open(path)
    try:
        found = read_session(folder, data, own, device)
        session = found.session
        with sound(folder.path):
            _go_where_it_was_left(found)
        if folder.obstacle is not None:
            warnings.warn(
                Message("{obstacle}: what is done now is not stored", obstacle=folder.obstacle),
                RuntimeWarning,
                stacklevel=3,
            )
            folder.close()
            return session
        environments = found.current["environments"]
        autosave = FolderKeeper(session, folder, found.shelf, found.stored, environments)
        autosave.go_on(found.current)
    except BaseException:
        folder.close()
        raise
    session.autosave = autosave
    return session


@under_pinned_modes
def look_at_session(
    path: str | os.PathLike[str],
    data: Any,
    own: Mapping[str, Any],
    device: torch.device,
) -> Session:
    """Return the result of :func:`open_session` without write access: another process may take it.

    Changes of the session are not stored.
    """
    with RunFolder.open(path, writable=False) as folder:
        found = read_session(folder, data, own, device)
        with sound(folder.path):
            _go_where_it_was_left(found)
        return found.session


def read_session(folder: RunFolder, data: Any, own: Mapping[str, Any], device: torch.device) -> Found:
    """Return the content of `folder`; parameters as in :func:`open_session`."""
    stored = folder.load()
    if not stored.branches or not stored.current:
        raise CheckpointError(
            Message(
                "{path} holds no run yet: its creation was interrupted; remove the folder and begin "
                "the run anew",
                path=str(folder.path),
            )
        )
    with sound(folder.path):
        own = with_game_of(own, converted(folder.document, RunDocument).own)
        check_origin(folder.document, UserParts(own))
        definitions = settings_of(own["game"])
        for row in stored.snapshots:
            converted(row.place, BesideDocument)
        converted(stored.current, StandDocument)
        known = Data(folder, stored.snapshots, data, own["game"])
        first = stored.branches[0]
        try:
            settings = root_from(first, known, lambda _data: None, definitions).settings
            session = Session(
                settings["data"], own, device, {n: v for n, v in settings.items() if n != "data"}
            )
        except (DataError, TraitError) as error:
            raise _mismatch(folder, error) from error
        return _filled(session, folder, stored, known)


def _mismatch(folder: RunFolder, error: Exception) -> CheckpointError:
    return CheckpointError(
        Message("{path} does not match what was passed: {error}", path=str(folder.path), error=error.args[0])
    )


class Data:
    """Returns data by the name in a stored run.

    Parameters
    ----------
    folder : RunFolder
    rows : list of SnapshotRow
        Names in all states, and in the other stored content.
    passed
        The user's data argument, or None.
    game : Game
        Of the run.

    Raises
    ------
    CheckpointError
        If `passed` cannot be trained on.
    """

    def __init__(self, folder: RunFolder, rows: list[SnapshotRow], passed: Any, game: Game) -> None:
        self._folder = folder
        self._rows = {row.place["name"]: row for row in rows if row.place["kind"] == "data"}
        self._passed: Source | None = None
        self._found: dict[str, Any] = {}
        self._used: set[str] = set()
        if passed is None:
            return
        options = [(name, row.place.get("options", {})) for name, row in self._rows.items()]
        try:
            read = as_it_was_read(passed, options)
            self._passed = load_for(game, read)
        except DataError as error:
            raise _mismatch(folder, error) from error
        self._found[data_name(self._passed)] = read

    def __call__(self, name: str) -> Any:
        self._used.add(name)
        if name not in self._found:
            self._found[name] = name if is_preset(name) else self._read(name)
        return self._found[name]

    def _read(self, name: str) -> Source:
        halves = halves_of(name)
        if halves is not None:
            paired, first, second = halves
            return of_two(self._half(first), self._half(second), paired=paired)
        row = self._rows[name]
        tree = self._folder.read_snapshot(row)
        if tree["samples"] is None:
            if self._passed is not None:
                raise CheckpointError(other_data(row.place["called"], self._passed))
            raise CheckpointError(data_missing(row.place["called"]))
        source = source_of_samples(
            tree["samples"], tree["labels"], row.place["of"], row.place.get("options", {})
        )
        if data_name(source) != name:
            raise ValueError(f"the data are not {name}")
        return source

    def _half(self, name: str) -> FiniteSource:
        found = load_data(name) if is_preset(name) else self._read(name)
        if not isinstance(found, FiniteSource):
            raise ValueError(f"{name} is no half of data")
        return found

    def check_passed(self, session: Session) -> None:
        """Raise `CheckpointError` if the user's parts differ from those of the run's beginning."""
        if self._passed is not None and data_name(self._passed) not in {*self._rows, *self._used}:
            raise CheckpointError(other_data(session.run.source.name, self._passed))


def _filled(session: Session, folder: RunFolder, stored: Stored, known: Data) -> Found:
    """Restore everything that was stored in `session`."""
    current = stored.current
    branches = _branches(session, stored, known)
    records, values = stored_interventions(stored, known, session.settings.definitions)
    session.log.recall(records, values)
    check_branches(branches, len(records))
    histories = stored_histories(stored, branches, session.history.columns)
    rows = {number: history.rows for number, history in histories.items()}
    check_records(records, branches, rows)
    starts = [branch.start for branch in branches.by_id.values() if branch.start is not None]
    check_places([*starts, *(root.first for root in branches.roots.values())], branches, rows, records)

    shelf = RunShelf(folder, lambda snapshot, tree: whole_at(session, snapshot, tree))
    session.snapshots.put_on(shelf)
    pinned = set(current["tips"].values())
    edited = {place_after(record) for record in records if record.setting == EDIT}
    by_key: dict[int, Snapshot] = {}
    for row in stored.snapshots:
        if row.place["kind"] == "state":
            at = place_from(row.place["place"])
            check_places([at], branches, rows, records)
            number = branches.root_of(at.branch)
            is_first = at == branches.roots[number].first
            kept = is_first or at in edited or row.place["key"] in pinned
            snapshot = snapshot_from(row.place, known, pinned=kept, definitions=session.settings.definitions)
            if row.place["key"] in by_key:
                raise ValueError(f"two snapshots have the key {row.place['key']}")
            by_key[row.place["key"]] = snapshot
            shelf.rows[snapshot] = row
            session.snapshots.found(snapshot, row.size)
            if is_first:
                session.roots_kept.add(number)

    session.notes = notes_from(current.get("notes", []))
    start = [row for row in stored.snapshots if row.place["kind"] == "start"]
    session.own_start = session.own.checked_content(folder.read_snapshot(start[0]))
    tips = {int(b): Tip(by_key[key], histories[int(b)]) for b, key in current["tips"].items()}
    here = None if current["here"] is None else by_key[current["here"]]
    check_places([place_from(current["place"])], branches, rows, records)
    _check_ends(place_from(current["place"]), here, tips, branches, rows)
    names = {row.place["name"] for row in stored.snapshots if row.place["kind"] != "state"}
    known.check_passed(session)
    return Found(session, shelf, known, histories, tips, here, current, names)


def _branches(session: Session, stored: Stored, known: Data) -> Branches:
    """Restore the stored branches in `session`, and return them."""
    branches = session.branches = stored_branches(
        stored, known, session.sources.of, session.settings.definitions
    )
    for number, root in branches.roots.items():
        about = stored.branches[number]["root"]
        if root.source.fingerprint != about["fingerprint"]:
            raise CheckpointError(other_data(about["built"]["data"], root.source))
    return branches


def _check_ends(
    place: Position,
    here: Snapshot | None,
    tips: Mapping[int, Tip],
    branches: Branches,
    rows: Mapping[int, int],
) -> None:
    """Raise `ValueError` unless each branch ends with its history, and the run is on one of them."""
    ends = {number: tip.snapshot.place for number, tip in tips.items()}
    if here is not None:
        ends[place.branch] = here.place
        if here.place.iteration != place.iteration:
            raise ValueError("the run is not at the place of its state")
    if ends.keys() != branches.by_id.keys():
        raise ValueError("it is not known where each branch ends")
    for number, end in ends.items():
        if end.iteration != rows[number] or end.branch not in dict(branches.line(number)):
            raise ValueError(f"branch {number} does not end where its history does")


def _go_where_it_was_left(found: Found) -> None:
    """Restore the last place of the run, and compare it with the stored state."""
    session, current = found.session, found.current
    branches, log = session.branches, session.log
    target = place_from(current["place"])
    vars(branches).update(tips=found.tips, current=target.branch)
    if branches.at_tip != (found.here is not None):
        raise ValueError("it is not known where the run was left")
    run, built, snapshot = restore_at(session, None, target)
    if found.here is not None:
        whole = whole_at(session, replace(found.here, settings=snapshot.settings), state_tree(run.state))
        if not is_hash_of(whole, found.shelf.rows[found.here].place["state_hash"]):
            warnings.warn(
                Message(
                    "the state at iteration {iteration} was computed again and is close to what was stored, "
                    "not equal",
                    iteration=target.iteration,
                ),
                CheckpointWarning,
                stacklevel=4,
            )
    asked = asked_from(current["asked"], found.known, session.settings.definitions)
    history = found.histories[target.branch]
    session.restore(
        RunPoint(
            run,
            built,
            replace(snapshot, asked=asked),
            [
                record.seq
                for record in branches.lineage(target.branch, log.everything)
                if record.seq < target.seq
            ],
            history if branches.at_tip else history.until(target.iteration),
            target.branch,
            found.tips,
        )
    )
