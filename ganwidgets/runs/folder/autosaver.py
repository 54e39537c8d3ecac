"""Automatic storing of a run in a folder during training.

A commit stores new branches, interventions, history rows, and the current place. It also stores snapshots that
cannot be recomputed: first states, tips of branches, and the current state unless it is in the past.
"""

from __future__ import annotations

import atexit
import itertools
import os
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganwidgets.data.two_sources import halves
from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.runs.files.json_records import (
    plain_asked,
    plain_branch,
    plain_intervention,
    plain_notes,
    plain_place,
    plain_snapshot,
)
from ganwidgets.runs.files.stored_data import samples_of
from ganwidgets.runs.record.interventions import Intervention
from ganwidgets.runs.record.snapshots import Snapshot, thinned
from ganwidgets.runs.session.autosave import Autosave
from ganwidgets.runs.session.full_state import described
from ganwidgets.runs.state.environment import environment
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.state_tree import STATE_FORMAT, copied, data_name, is_preset, state_tree
from ganwidgets.runs.timeline.changes import News, Reporter
from ganwidgets.stepping.runtime.ambient import under_pinned_modes

if TYPE_CHECKING:
    from ganwidgets.runs.folder.snapshot_shelf import RunShelf
    from ganwidgets.runs.session.session import Session
    from ganwidgets.runs.store import RunFolder, SnapshotRow

__all__ = ["FolderKeeper", "keep", "whole_at"]

SPACING = 1.0
"""Minimum seconds between two periodic commits."""

SHARE = 50
"""Minimum interval between commits, as a multiple of the last commit's duration. At the end of a call it alone counts,
because the next call may never come."""

SHARE_AT_ONCE = 10
"""The same multiple for urgent commits, because many may follow each other."""

RETRIES = 1.0, 30.0
"""Seconds until the first retry of a failed commit, and at most; each failure doubles them."""

STORED_AT_MOST = 1000
"""Maximum number of replaceable snapshots in the folder; beyond, they are thinned."""


def keep(session: Session, path: str | os.PathLike[str]) -> None:
    """Store a new run in the folder `path` from now on.

    Raises
    ------
    CheckpointError
        If the folder holds something already, or cannot be written to.
    """
    from ganwidgets.runs.folder.snapshot_shelf import RunShelf
    from ganwidgets.runs.store import RunFolder

    document = {
        "format": STATE_FORMAT,
        "own": session.own.described(),
        "device": str(session.device),
    }
    folder = RunFolder.create(path, document)
    try:
        shelf = RunShelf(folder, lambda snapshot, tree: whole_at(session, snapshot, tree))
        autosave = FolderKeeper(session, folder, shelf, set(), [])
        autosave.begin()
    except BaseException:
        folder.close()
        raise
    session.snapshots.put_on(shelf)
    session.autosave = autosave


def whole_at(session: Session, snapshot: Snapshot, tree: dict[str, Any]) -> dict[str, Any]:
    """Return the whole state at `snapshot`, without pending settings."""
    root = session.branches.roots[session.branches.root_of(snapshot.place.branch)]
    return described(session, snapshot.settings, root, root.built, tree)


class FolderKeeper(Autosave):
    """Stores a run in its folder: at once after interventions, else periodically.

    Parameters
    ----------
    session : Session
    folder : RunFolder
        Which can be written to.
    shelf : RunShelf
        The snapshots in it.
    stored : set of str
        What else is in it already: names of data, and ``"start"``.
    environments : list of dict
        Versions and devices of the computation so far.
    """

    def __init__(
        self,
        session: Session,
        folder: RunFolder,
        shelf: RunShelf,
        stored: set[str],
        environments: list[dict[str, str]],
    ) -> None:
        self.path = folder.path
        self._session = session
        self._folder = folder
        self._shelf = shelf
        self._stored = stored
        self._environments = environments
        self._reporter = Reporter(session)
        self._beside: list[SnapshotRow] = []
        """Files of data and of initial contents of own networks."""
        self._lost = set(folder.missing_files(shelf.rows.values()))
        """Files of snapshots that were missing when the run was opened; the reader has named them."""
        self._names: dict[int, tuple[Any, str]] = {}
        self._keys = itertools.count(1 + max((row.place["key"] for row in shelf.rows.values()), default=0))
        self._current: dict[str, Any] = {}
        self._last: tuple[Any, ...] = ()
        self._process = os.getpid()
        self._open = True
        self._failures = 0
        self._elsewhere: tuple[Any, ...] = ()
        self._wait(0.0)
        _OPEN.add(self)

    def begin(self) -> None:
        """Store everything for the first time.

        Raises
        ------
        CheckpointError
            If it cannot be stored.
        """
        began = time.monotonic()
        try:
            self._commit()
        except ValueError as error:  # a tensor of a type that no file can hold
            raise CheckpointError(*error.args) from error
        self._wait(time.monotonic() - began)

    def go_on(self, current: dict[str, Any]) -> None:
        """Take the run as stored; `current` is its stored current state."""
        self._reporter.mark_stored(self._reporter.news())
        self._current = current
        self._last = self._moment()

    # --- when -----------------------------------------------------------------------------------

    def stepped(self) -> None:
        now = time.monotonic()
        if now >= self._due or (now >= self._soon and self._moment() != self._last):
            self.save()

    def pause(self) -> None:
        if time.monotonic() >= self._rest:
            self.save()

    def save(self) -> None:
        """Store the latest state; on a failure record the error and retry later."""
        if not self._open or os.getpid() != self._process:
            return
        began = time.monotonic()
        try:
            stored = self._commit()
        except (CheckpointError, OSError, ValueError) as error:
            self._fail(error)
            return
        if self.fault is not None:
            self.fault, self._failures = None, 0
            stored = True
        if stored:
            self._wait(time.monotonic() - began)

    def retry_in(self) -> float | None:
        if self.fault is None or not self._open:
            return None
        return max(0.0, self._due - time.monotonic())

    def saved_elsewhere(self) -> None:
        self._elsewhere = self._everything()

    def close(self) -> None:
        if not self._open or os.getpid() != self._process:
            return
        if not self._session.reentry.under_way:  # a thread that has not ended at the interpreter's exit
            self.save()
        if self.fault is not None and self._elsewhere != self._everything():
            raise CheckpointError(
                Message(
                    "{reason}; what came after iteration {stored} is only in memory: save it with "
                    "trainer.save(path), or make room and call trainer.close() again",
                    reason=str(self.fault.__cause__),
                    stored=self._stored_until(),
                )
            ) from self.fault
        self._open = False
        self._folder.close()

    def abandon(self) -> None:
        try:
            self.close()
        except CheckpointError as error:
            self._open = False
            self._folder.close()
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)

    def _wait(self, duration: float) -> None:
        self._ended = time.monotonic()
        self._rest = self._ended + SHARE * duration
        self._due = max(self._ended + SPACING, self._rest)
        self._soon = self._ended + SHARE_AT_ONCE * duration

    def _moment(self) -> tuple[Any, ...]:
        """Return a value that changes with every event that must be stored at once."""
        session = self._session
        return session.log.next_seq, session.branches.current, len(session.notes)

    def _everything(self) -> tuple[Any, ...]:
        """Return a value that changes with every event in the run."""
        state = self._session.state
        return *self._moment(), state.iteration, state.samples_seen

    def _stored_until(self) -> int:
        return int(self._current["place"][1]) if self._current else 0

    def _fail(self, error: Exception) -> None:
        """Record an error and the time of the next retry; warn of the first one."""
        first, longest = RETRIES
        pause = min(first * 2.0 ** min(self._failures, 30), longest)
        self._failures += 1
        self._ended = time.monotonic()
        self._due = self._soon = self._rest = self._ended + pause
        sentence = Message(
            "{error}; training goes on in memory, and storing it is tried again; trainer.save(path) saves the run "
            "elsewhere",
            error=error.args[0] if isinstance(error, CheckpointError) else str(error),
        )
        known = self.fault is not None
        self.fault = CheckpointError(sentence)
        self.fault.__cause__ = error
        if not known:
            warnings.warn(sentence, RuntimeWarning, stacklevel=4)

    # --- what -----------------------------------------------------------------------------------

    @under_pinned_modes
    def _commit(self) -> bool:
        """Store the latest state; return True if anything was new."""
        from ganwidgets.runs.store import Entry

        session, rows = self._session, self._shelf.rows
        kept = [row for row in rows.values() if row.file not in self._lost]
        self._folder.check_snapshots([*kept, *self._beside])
        session.notice_edits()
        if not session.state.finite():
            return False  # the next update will fail, and then the run goes back
        session.begin_root()
        here = self._here()
        news = self._reporter.news()
        fresh = [snapshot for snapshot in news.snapshots if snapshot.pinned and snapshot not in rows]
        if here is not None and here not in rows and here not in fresh:
            fresh.append(here)
        added = {snapshot: self._described(snapshot) for snapshot in fresh}
        keys = {
            **{s: row.place["key"] for s, row in rows.items()},
            **{s: p["key"] for s, (p, _) in added.items()},
        }
        current = self._standing(None if here is None else keys[here], keys)
        nothing = not (news.branches or news.interventions or news.history or fresh)
        if nothing and current == self._current:
            return False
        aside = self._aside()
        branches = session.branches
        committed = self._folder.commit(
            Entry(
                [plain_branch(branch, branches.roots.get(branch.id)) for branch in news.branches],
                [plain_intervention(record, self._data_of(record)) for record in news.interventions],
                [(stretch.branch, stretch.first, stretch.columns) for stretch in news.history],
                [*aside, *added.values()],
                current,
            )
        )
        self._note(news, fresh, committed, current, aside)
        if here is not None and here not in set(session.snapshots):
            session.snapshots.add(here)
        self._thin(here)
        return True

    def _note(
        self,
        news: News,
        fresh: list[Snapshot],
        committed: list[SnapshotRow],
        current: dict[str, Any],
        aside: list[tuple[dict[str, Any], dict[str, Any]]],
    ) -> None:
        """Record the stored content."""
        self._shelf.rows.update(zip(fresh, committed[len(aside) :], strict=True))
        self._beside += committed[: len(aside)]
        self._stored |= {place["name"] for place, _ in aside}
        self._reporter.mark_stored(news)
        self._current = current
        self._last = self._moment()

    def _here(self) -> Snapshot | None:
        """Return the current state; None in the past, which can be recomputed."""
        session = self._session
        if not session.branches.at_tip:
            return None
        place, repeated = session.branches.owned(session.place), session.log.repeated
        held = [*self._shelf.rows, *(snapshot for snapshot in session.snapshots if snapshot.pinned)]
        for snapshot in reversed(held):
            if (snapshot.place, snapshot.repeated) == (place, repeated):
                return snapshot
        return session.snapshot_of(copied(state_tree(session.state)), asked={})

    def _data_of(self, record: Intervention) -> str:
        """Return the name of the data that `record` set; empty for other records."""
        return self._name(self._session.log.value(record.seq)) if record.setting == "data" else ""

    def _described(self, snapshot: Snapshot) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the stored form of a snapshot."""
        tree = self._session.snapshots.read(snapshot)
        if tree is None:
            raise CheckpointError(
                Message("the snapshot of iteration {iteration} is lost", iteration=snapshot.place.iteration)
            )
        plain = plain_snapshot(snapshot, self._name)
        state_hash = digest(whole_at(self._session, snapshot, tree))
        return {"kind": "state", "key": next(self._keys), **plain, "state_hash": state_hash}, tree

    def _standing(self, here: int | None, keys: dict[Snapshot, int]) -> dict[str, Any]:
        session = self._session
        now = environment(session.device, session.run.threads)
        known = self._environments
        notes = {"notes": plain_notes(session.notes)} if session.notes else {}
        return {
            **notes,
            "place": plain_place(session.place),
            "here": here,
            "asked": plain_asked(session.log.asked, self._name),
            "tips": {str(branch): keys[tip.snapshot] for branch, tip in session.branches.tips.items()},
            "interventions": len(session.log.everything),
            "environments": known if now in known else [*known, now],
        }

    def _aside(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return new data, and at the beginning the content of the user's own networks."""
        session = self._session
        found: list[tuple[dict[str, Any], dict[str, Any]]] = []
        if "start" not in self._stored:
            found.append(({"kind": "start", "name": "start"}, session.own_start))
        for data in self._data():
            if isinstance(data, str) and is_preset(data):
                continue
            for source in halves(session.sources.of(data)):
                name = data_name(source)
                if is_preset(name) or name in self._stored or any(p["name"] == name for p, _ in found):
                    continue
                samples = samples_of(source)
                labels: Tensor | None = None if samples is None else source.labels
                about = {
                    "kind": "data",
                    "name": name,
                    "called": str(source.name),
                    "of": source.kind,
                    "options": source.options.plain(),
                }
                found.append((about, {"samples": samples, "labels": labels}))
        return found

    def _data(self) -> list[Any]:
        """Return all data that the run needs, as the user passed them; each kind once."""
        log, roots = self._session.log, self._session.branches.roots
        found = [root.built["data"] for root in roots.values()]
        found += [log.in_force["data"], *(value for name, (_, value) in log.asked.items() if name == "data")]
        found += [log.value(record.seq) for record in log.everything if record.setting == "data"]
        return list({id(data): data for data in found}.values())

    def _name(self, data: Any) -> str:
        if isinstance(data, str) and is_preset(data):
            return data
        if id(data) not in self._names:
            self._names[id(data)] = data, data_name(self._session.sources.of(data))
        return self._names[id(data)][1]

    # --- room -----------------------------------------------------------------------------------

    def _thin(self, here: Snapshot | None) -> None:
        """Remove discarded snapshots, and thin the others if there are too many."""
        session, rows = self._session, self._shelf.rows
        held = set(session.snapshots)
        gone = {snapshot for snapshot in rows if snapshot not in held}
        loose = {s.place: s for s in rows if s not in gone and not s.pinned and s is not here}
        if len(loose) > STORED_AT_MOST:
            for place in thinned(loose)[: len(loose) - STORED_AT_MOST * 9 // 10]:
                snapshot = loose[place]
                gone.add(snapshot)
                if snapshot.tree is None:
                    session.snapshots.discard(snapshot)
        self._shelf.take_out(gone)


_OPEN: weakref.WeakSet[FolderKeeper] = weakref.WeakSet()


# Registered before anything that ends threads is, so it happens after they have ended.
@atexit.register
def _close_all() -> None:
    for autosave in list(_OPEN):
        autosave.abandon()
