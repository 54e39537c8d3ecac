"""The SQLite database of a run folder: checksummed rows, added in transactions."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.runs.disk.atomic import whole_file
from ganwidgets.runs.state.json_values import LONGEST, converted, parsed
from ganwidgets.runs.store import schema
from ganwidgets.runs.store.checksummed_json import sealed, unsealed
from ganwidgets.runs.store.damage import reading
from ganwidgets.runs.store.layout import check_files
from ganwidgets.runs.store.rows import HeadContent

__all__ = ["Index", "NewRow", "Row", "make", "recognised"]

NewRow = tuple[str, Mapping[str, Any], bytes]
"""A row to be added: the table, the content, and the data."""


_SELECT = "SELECT id, content, data, sha256 FROM {table} ORDER BY id"
_INSERT = "INSERT INTO {table} VALUES (?, ?, ?, ?)"


@dataclass(frozen=True)
class Row:
    """A row as read, with its verified SHA-256."""

    table: str
    id: int
    content: dict[str, Any]
    data: bytes


class Index:
    """An open database.

    Everything that is read is verified: each row has its SHA-256, and the head has the exclusive or of all of them.
    So a changed, missing or foreign row is detected.

    Parameters
    ----------
    path : Path
        The file, which :func:`recognised` has looked at.
    mode
        ``"rw"`` to add to it, which requires exclusive write access; ``"ro"`` to read it.

    Raises
    ------
    CheckpointError
        If it cannot be opened or is damaged.
    """

    def __init__(self, path: Path, mode: Literal["rw", "ro"]) -> None:
        self._path = path
        with reading(path):
            self._connection = _connected(path, mode)
            try:
                version = schema.version_of(self._connection)
                if version is not None and version < schema.VERSION:
                    self._migrate(mode, version)
                self._check(mode)
                self._identity, self._size = _identity(path), path.stat().st_size
            except BaseException:
                self.close()
                raise

    def _migrate(self, mode: str, version: int) -> None:
        if version not in schema.MIGRATIONS:
            raise ValueError(f"there is no format {version}")
        if mode == "ro":
            raise CheckpointError(
                Message(
                    "{path} was stored by an older version of ganwidgets and has to be brought up to date; "
                    "open it once where it can be written to",
                    path=str(self._path),
                )
            )
        with _transaction(self._connection):
            schema.migrate(self._connection, version)

    def _check(self, mode: str) -> None:
        if not schema.is_sound(self._connection):
            raise ValueError("its tables are not those of a run")
        # What reading the rows does not see, but adding others would make worse; and trees of pages that
        # would be read for ever.
        verdict = self._connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise ValueError(verdict)
        if mode == "ro":
            return
        if self._connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            raise ValueError("its journal is of another kind")

    # --- reading --------------------------------------------------------------------------------

    def read(self) -> tuple[dict[str, Any], list[Row]]:
        """Return the head and every row, by table, from one transaction.

        Raises
        ------
        CheckpointError
            If anything is damaged.
        """
        with reading(self._path), _transaction(self._connection, "DEFERRED"):
            head = self._head()
            total = int(head["total"], 16)
            rows = []
            for table in schema.TABLES:
                last = 0
                for number, text, data, found in self._connection.execute(_SELECT.format(table=table)):
                    sha256 = _sha256(table, number, text, data)
                    if sha256 != found:
                        raise ValueError(f"row {number} of {table} does not match its SHA-256")
                    if number <= last:  # a page that is in the tree many times has as many rows
                        raise ValueError(f"row {number} of {table} comes again")
                    last = number
                    total ^= int.from_bytes(sha256)
                    rows.append(Row(table, number, converted(parsed(text), dict[str, Any]), data))
            if total:
                raise ValueError("rows are missing")
            return head, rows

    def head(self) -> dict[str, Any]:
        """Return the values of the head: ``commits``, and the values from :meth:`append`."""
        with reading(self._path):
            return self._head()

    def _head(self) -> dict[str, Any]:
        found = self._connection.execute("SELECT content FROM head").fetchall()
        head = unsealed(found[0][0].encode()) if len(found) == 1 else None
        if head is None:
            raise ValueError("its head does not match its SHA-256")
        return dict(converted(head, HeadContent))

    # --- writing --------------------------------------------------------------------------------

    def append(self, rows: Sequence[NewRow], head: Mapping[str, Any]) -> list[int]:
        """Add rows, and set the values of `head`, atomically; on disk on return.

        Raises
        ------
        OSError
            If the file was removed, replaced or cut short since it was opened.
        sqlite3.Error
            If they cannot be written; it is as before.
        """
        with self._step() as now:
            now.update(head)
            return _insert(self._connection, now, rows)

    def remove_snapshots(self, numbers: Iterable[int]) -> None:
        """Take rows out of the table of snapshots; as :meth:`append`."""
        with self._step() as head:
            total = int(head["total"], 16)
            for number in numbers:
                taken = self._connection.execute(
                    "DELETE FROM snapshots WHERE id = ? RETURNING sha256", (number,)
                ).fetchall()
                for (sha256,) in taken:
                    total ^= int.from_bytes(sha256)
            head["total"] = f"{total:x}"

    @contextlib.contextmanager
    def _step(self) -> Iterator[dict[str, Any]]:
        # SQLite would continue writing to a file that was removed or replaced.
        if _identity(self._path) != self._identity:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._path))
        size = self._path.stat().st_size
        if size < self._size:  # a database never shrinks: SQLite would add to what is damaged
            raise OSError(errno.EIO, f"its file {self._path.name} was cut short", str(self._path))
        self._size = size
        with _transaction(self._connection):
            head = self._head()
            yield head
            head["commits"] += 1
            self._connection.execute("UPDATE head SET content = ?", (sealed(head).decode(),))

    def close(self) -> None:
        """Close it; the journal is merged into the database if no other process reads it."""
        self._connection.close()


def recognised(path: Path) -> None:
    """Raise `CheckpointError` unless `path` is a run's database that this version can read.

    It is opened read-only, so that a foreign database is not changed.
    """
    with reading(path), contextlib.closing(_connected(path, "ro")) as connection:
        version = schema.version_of(connection)
    if version is None:
        raise CheckpointError(Message("{path} is not a run that ganwidgets stored", path=str(path)))
    if version > schema.VERSION:
        raise CheckpointError(
            Message(
                "{path} was stored by a newer version of ganwidgets (format {found}, this one reads up to "
                "{known}); upgrade ganwidgets",
                path=str(path),
                found=version,
                known=schema.VERSION,
            )
        )


def make(path: Path, document: Mapping[str, Any]) -> None:
    """Create the database of a new run atomically.

    Raises
    ------
    OSError, sqlite3.Error
        If it cannot be written.
    """
    with whole_file(path) as file:
        name = Path(file.name)
        connection = sqlite3.connect(name, isolation_level=None)
        try:
            with _transaction(connection):
                schema.build(connection)
                head: dict[str, Any] = {"commits": 0, "ids": {}, "total": "0", "ends": {}, "current": {}}
                _insert(connection, head, [("document", document, b"")])
                connection.execute("INSERT INTO head VALUES (1, ?)", (sealed(head).decode(),))
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()


def _identity(path: Path) -> tuple[int, int]:
    """Return an identifier of the file at `path`."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _insert(connection: sqlite3.Connection, head: dict[str, Any], rows: Iterable[NewRow]) -> list[int]:
    """Insert rows, and count them in `head`."""
    total = int(head["total"], 16)
    numbers = []
    for table, content, data in rows:
        number = head["ids"][table] = head["ids"].get(table, 0) + 1
        text = json.dumps(content)
        sha256 = _sha256(table, number, text, data)
        connection.execute(_INSERT.format(table=table), (number, text, data, sha256))
        total ^= int.from_bytes(sha256)
        numbers.append(number)
    head["total"] = f"{total:x}"
    return numbers


def _sha256(table: str, number: int, text: str, data: bytes) -> bytes:
    return hashlib.sha256(f"{table} {number} {len(data)}\n{text}\n".encode() + data).digest()


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database whose files are checked before and after, because SQLite follows links."""
    check_files(path.parent)
    connection = _opened_somehow(path, mode)
    try:
        check_files(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def _opened_somehow(path: Path, mode: str) -> sqlite3.Connection:
    try:
        return _opened(f"{path.absolute().as_uri()}?mode={mode}")
    except sqlite3.OperationalError:
        journal = path.with_name(f"{path.name}-wal")
        if mode == "ro" and not (journal.exists() and journal.stat().st_size):
            # SQLite puts files beside what it reads, which a medium that cannot be written to refuses;
            # without a journal there is nothing to be read but the file itself.
            return _opened(f"{path.absolute().as_uri()}?mode=ro&immutable=1")
        raise


def _opened(uri: str) -> sqlite3.Connection:
    # Whichever thread closes the trainer closes it too.
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)  # bytes of a value
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA schema_version")  # nothing is opened before something is read
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _transaction(
    connection: sqlite3.Connection, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE"
) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # what matters is the error under way
            connection.execute("ROLLBACK")
        raise
