"""Interface of a run folder."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from ganwidgets.errors import CheckpointError, CheckpointWarning
from ganwidgets.messages import Message
from ganwidgets.runs.disk.atomic import TEMPORARY, flush_folder, reason
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.store import commit_count as witness
from ganwidgets.runs.store import history_rows
from ganwidgets.runs.store.damage import reading
from ganwidgets.runs.store.entry import Entry, SnapshotRow, Stored
from ganwidgets.runs.store.index import Index, NewRow, Row, make, recognised
from ganwidgets.runs.store.layout import CONFIRMED, DATABASE, LOCK, OWNER, SNAPSHOTS, check_files
from ganwidgets.runs.store.ownership import Ownership, owner
from ganwidgets.runs.store.rows import HistoryContent, SnapshotContent
from ganwidgets.runs.store.snapshot_files import SnapshotFiles, WrittenFile
from ganwidgets.validation import checked_path

__all__ = ["RunFolder"]


class RunFolder:
    """A run on disk, with write access during training; :meth:`create` and :meth:`open` return one.

    One process at a time writes to it, and others read. Not to be used from two threads at once.

    Parameters
    ----------
    path : Path
        The folder.
    index : Index
        Its database.
    ownership : Ownership or None
        The right to write to it.
    obstacle : Message or None
        Why it cannot be written to.
    """

    def __init__(
        self, path: Path, index: Index, ownership: Ownership | None, obstacle: Message | None
    ) -> None:
        self._path = path
        self._index = index
        self._ownership = ownership
        self._obstacle = obstacle
        self._files = SnapshotFiles(path)
        self._process = os.getpid()

    @classmethod
    def create(cls, path: str | os.PathLike[str], document: Mapping[str, Any]) -> Self:
        """Begin a run folder at `path`, which must be empty.

        Parameters
        ----------
        path
            The folder; it is made if it is not there.
        document : mapping
            What :attr:`document` returns from now on, as values that JSON can hold.

        Raises
        ------
        CheckpointError
            If the folder holds something already, is in use, or cannot be written to.
        """
        folder = checked_path("the folder of a run", path).absolute()  # wherever the process goes later
        json.dumps(document)  # what cannot be stored is refused before there is a folder
        ownership = Ownership(folder)
        try:
            _check_free(folder)
            folder.mkdir(parents=True, exist_ok=True)
            return cls(folder, _begun(folder, ownership, document), ownership, None)
        except BaseException as error:
            ownership.release()
            if isinstance(error, OSError | ValueError | sqlite3.Error):
                raise CheckpointError(
                    Message(
                        "no run can be stored in {path}: {reason}; choose a folder that can be written to",
                        path=str(folder),
                        reason=reason(error),
                    )
                ) from error
            raise

    @classmethod
    def open(cls, path: str | os.PathLike[str], writable: bool = True) -> Self:
        """Open a run folder and verify its database.

        Files left by a crash are removed. If it cannot be written to, because another
        process has it open or the system does not let us, it is opened to be read, and
        :attr:`obstacle` says why.

        Parameters
        ----------
        path
            The folder.
        writable : bool
            True to write to it, if possible.

        Raises
        ------
        CheckpointError
            If it is no run folder, a newer version of ganwidgets made it, or its database is damaged.
        """
        folder = checked_path("the folder of a run", path).absolute()  # wherever the process goes later
        _check_present(folder)
        recognised(folder / DATABASE)  # before writing into a folder that may hold other files
        if not writable:
            return cls._reader(folder, Message("{path} was opened to be read", path=str(folder)))
        ownership = Ownership(folder)
        obstacle = ownership.take()
        if obstacle is not None:
            return cls._reader(folder, obstacle)
        try:
            self = cls(folder, Index(folder / DATABASE, "rw"), ownership, None)
            self._begin(witness.confirmed(folder))
        except BaseException:
            ownership.release()
            raise
        return self

    @classmethod
    def _reader(cls, folder: Path, obstacle: Message) -> Self:
        confirmed = witness.confirmed(folder)  # first, because the run may continue at the same time
        self = cls(folder, Index(folder / DATABASE, "ro"), None, obstacle)
        self._begin(confirmed)
        return self

    def _begin(self, confirmed: int | None) -> None:
        """Verify everything, remove files left by a crash, and warn if confirmed commits are lost."""
        try:
            stored, commits = self.load(), self.commits
            if self.writable:
                self._files.remove_all_but({row.file for row in stored.snapshots})
                self._confirm(commits)
            lost = self._lost(confirmed, commits)
            if lost is not None:
                warnings.warn(lost, CheckpointWarning, stacklevel=3 if self.writable else 4)
        except BaseException:  # a warning too may be made an error
            self._index.close()
            raise

    def _lost(self, confirmed: int | None, commits: int) -> Message | None:
        if confirmed is None:
            return Message(
                "{path} is missing or damaged, so it is unknown whether the newest steps of the run "
                "are all there",
                path=str(self._path / CONFIRMED),
            )
        if confirmed > commits:
            return Message(
                "the journal of the run in {path} is damaged: its last {lost} of {confirmed} commits are "
                "lost, and it goes on from the one before",
                path=str(self._path),
                lost=confirmed - commits,
                confirmed=confirmed,
            )
        return None

    # --- properties ---------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def writable(self) -> bool:
        """True if :meth:`commit` can add to it."""
        return self._obstacle is None

    @property
    def obstacle(self) -> Message | None:
        """Why it cannot be written to, as a text; None if it can."""
        return self._obstacle

    @property
    def owner(self) -> str:
        """The process that writes to it, as a text; empty if it is this one, or unknown."""
        return "" if self.writable else owner(self._path)

    @property
    def document(self) -> dict[str, Any]:
        """The argument of :meth:`create`."""
        with reading(self._path / DATABASE):
            return next(row.content for row in self._index.read()[1] if row.table == "document")

    @property
    def commits(self) -> int:
        """Number of commits and removals, to detect whether an interrupted one took place."""
        return int(self._index.head()["commits"])

    # --- writing ------------------------------------------------------------------------------------

    def commit(self, entry: Entry) -> list[SnapshotRow]:
        """Add `entry` atomically; it is on disk on return.

        Returns
        -------
        list of SnapshotRow
            Its snapshots, as the index has them now.

        Raises
        ------
        CheckpointError
            If it cannot be written; earlier commits are intact, and later ones may succeed.
        ValueError
            If rows of the history are missing between those stored and those of `entry`.
        """
        self._check_writable()
        written: list[WrittenFile] = []
        try:
            head = self._index.head()
            changes = {"ends": _ends(head["ends"], entry)}
            if entry.current is not None:
                changes["current"] = dict(entry.current)
            rows = _rows(entry)
            self._files.make_folder()
            written += map(self._files.write, (tree for _, tree in entry.snapshots))
            places = [dict(place) for place, _ in entry.snapshots]
            rows += [
                ("snapshots", {"place": place, "file": name, "size": size, "sha256": sha256}, b"")
                for place, (name, size, sha256) in zip(places, written, strict=True)
            ]
            numbers = self._index.append(rows, changes)
            self._confirm(head["commits"] + 1)
        except (OSError, sqlite3.Error) as error:
            self._discard(written)
            raise self._unwritable(error) from error
        except BaseException:
            self._discard(written)
            raise
        return [
            SnapshotRow(number, json.loads(json.dumps(place)), *file)
            for number, place, file in zip(
                numbers[len(numbers) - len(written) :], places, written, strict=True
            )
        ]

    def missing_files(self, rows: Iterable[SnapshotRow]) -> list[str]:
        """Return the names of missing files of `rows`."""
        return self._files.missing(rows)

    def check_snapshots(self, rows: Iterable[SnapshotRow]) -> None:
        """Detect files of `rows` that were removed while this process uses the folder.

        Raises
        ------
        CheckpointError
            If any is missing.
        """
        missing = self.missing_files(rows)
        if missing:
            raise CheckpointError(
                Message(
                    "the run cannot be stored in {folder}: {count} files of its folder {name} were removed, such as "
                    "{file}, and it cannot be opened without them; put them back",
                    folder=str(self._path),
                    count=len(missing),
                    name=SNAPSHOTS,
                    file=missing[0],
                )
            )

    def remove_snapshots(self, rows: Iterable[SnapshotRow]) -> None:
        """Remove snapshots: from the index, then their files.

        Raises
        ------
        CheckpointError
            If the index cannot be written; then they are all still there.
        """
        self._check_writable()
        gone = list(rows)
        try:
            commits = self.commits
            self._index.remove_snapshots(row.id for row in gone)
        except (OSError, sqlite3.Error) as error:
            raise self._unwritable(error) from error
        self._confirm(commits + 1)
        self._files.remove(str(row.file) for row in gone)

    def _confirm(self, commits: int) -> None:
        try:
            witness.confirm(self._path, commits)
        except OSError:
            # The commit is on disk; the witness has a smaller number until it is written again.
            return

    def _discard(self, written: Iterable[WrittenFile]) -> None:
        """Remove files of a commit that did not take place; an interrupt may come just after it did."""
        try:
            kept = {row.file for row in self.load().snapshots}
        except CheckpointError:
            return  # they are removed when the folder is opened next
        self._files.remove(name for name, _, _ in written if name not in kept)

    def _check_writable(self) -> None:
        if self._obstacle is not None:
            raise CheckpointError(self._obstacle)
        if os.getpid() != self._process:
            raise CheckpointError(
                Message("{path} belongs to the process that opened it, not to its copy", path=str(self._path))
            )

    def _unwritable(self, error: Exception) -> CheckpointError:
        return CheckpointError(
            Message(
                "the run cannot be stored in {path}: {reason}; what was stored before is unharmed",
                path=str(self._path),
                reason=reason(error),
            )
        )

    # --- reading ------------------------------------------------------------------------------------

    def load(self) -> Stored:
        """Return everything except the states, verified, from one commit.

        Raises
        ------
        CheckpointError
            If anything in the database is damaged.
        """
        head, rows = self._index.read()
        with reading(self._path / DATABASE):
            return _stored(head, rows)

    def read_snapshot(self, row: SnapshotRow) -> dict[str, Any]:
        """Return a committed state: nested dictionaries of tensors and plain values.

        Raises
        ------
        CheckpointError
            If the file is missing or damaged; an older snapshot may well be sound.
        """
        return self._files.read(row)

    # --- the end ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release the folder for other writers; this object is then unusable."""
        if os.getpid() != self._process:  # a forked copy that ends lets go of nothing
            return
        self._obstacle = Message("{path} is closed", path=str(self._path))
        self._index.close()
        if self._ownership is not None:
            self._ownership.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _check_present(folder: Path) -> None:
    """Raise `CheckpointError` unless `folder` has the database of a run."""
    try:
        if folder.is_file():
            raise CheckpointError(
                Message(
                    "{path} is not the folder of a run but a file; gw.GANTrainer.load({path!r}) loads a run that was "
                    "saved to a file",
                    path=str(folder),
                )
            )
        (folder / DATABASE).lstat()
    except (OSError, ValueError) as error:
        raise CheckpointError(Message("{path} is not the folder of a run", path=str(folder))) from error


def _stored(head: Mapping[str, Any], rows: Iterable[Row]) -> Stored:
    contents: dict[str, list[dict[str, Any]]] = {"branches": [], "interventions": []}
    chunks: dict[int, list[history_rows.Chunk]] = {}
    snapshots = []
    for row in rows:
        if row.table == "history":
            chunk = converted(row.content, HistoryContent)
            columns = history_rows.unpacked(chunk.columns, row.data)
            chunks.setdefault(chunk.branch, []).append((chunk.first, columns))
        elif row.table == "snapshots":
            found = converted(row.content, SnapshotContent)
            snapshots.append(SnapshotRow(row.id, found.place, found.file, found.size, found.sha256))
        elif row.table in contents:
            contents[row.table].append(row.content)
    history = {branch: history_rows.joined(parts) for branch, parts in chunks.items()}
    ends = {
        str(branch): first + history_rows.rows_in(columns) for branch, (first, columns) in history.items()
    }
    if ends != head["ends"]:
        raise ValueError("rows of the history are missing")
    return Stored(contents["branches"], contents["interventions"], history, snapshots, head["current"])


def _rows(entry: Entry) -> list[NewRow]:
    rows: list[NewRow] = [("branches", branch, b"") for branch in entry.branches]
    rows += [("interventions", intervention, b"") for intervention in entry.interventions]
    for branch, first, columns in entry.history:
        lengths, values = history_rows.packed(columns)
        rows.append(("history", {"branch": branch, "first": first, "columns": lengths}, values))
    return rows


def _ends(ends: Mapping[str, int], entry: Entry) -> dict[str, int]:
    """Return for each branch the iteration at which its rows continue after `entry`."""
    now = dict(ends)
    for branch, first, columns in entry.history:
        expected = now.get(str(branch), first)
        if first > expected:
            raise ValueError(f"the history of branch {branch} goes on at {expected}, not at {first}")
        now[str(branch)] = first + history_rows.rows_in(columns)
    return now


def _begun(folder: Path, ownership: Ownership, document: Mapping[str, Any]) -> Index:
    """Create the files of a new run in `folder`, the database last, and return it."""
    obstacle = ownership.take()
    if obstacle is not None:
        raise CheckpointError(obstacle)
    _check_free(folder)  # again, now that this process holds the lock
    for path in list(folder.iterdir()):
        if path.name.startswith(_UNFINISHED):
            path.unlink()
    SnapshotFiles(folder).make_folder()
    witness.first(folder)
    try:
        make(folder / DATABASE, document)
        flush_folder(folder.absolute().parent)
        return Index(folder / DATABASE, "rw")
    except BaseException:
        with contextlib.suppress(OSError):  # what matters is the error under way
            for path in list(folder.glob(f"{DATABASE}*")):
                path.unlink()
        raise


def _check_free(folder: Path) -> None:
    """Raise `CheckpointError` unless a run can begin in `folder`."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CheckpointError(Message("{path} is a file; choose a folder", path=str(folder)))
    check_files(folder)
    names = sorted(entry.name for entry in folder.iterdir())
    if DATABASE in names:
        raise CheckpointError(
            Message("{path} already holds a run; gw.open_run({path!r}) goes on with it", path=str(folder))
        )
    # Leftovers of an interrupted creation do not count.
    foreign = [name for name in names if name not in _EARLIER and not name.startswith(_UNFINISHED)]
    if foreign or ((folder / SNAPSHOTS).is_dir() and any((folder / SNAPSHOTS).iterdir())):
        raise CheckpointError(
            Message(
                "{path} holds something else ({name}); choose a folder that is empty or not there yet",
                path=str(folder),
                name=(foreign or [SNAPSHOTS])[0],
            )
        )


_EARLIER = {LOCK, OWNER, CONFIRMED, SNAPSHOTS}
_UNFINISHED = f"{TEMPORARY}{DATABASE}."
