"""Conversion of errors from a damaged database to `CheckpointError`."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message

__all__ = ["reading"]

_UNREADABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
"""SQLite errors caused by the system, not by the content of the database."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Context: convert errors caused by the content of the database `path` to `CheckpointError`."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _UNREADABLE:
            raise CheckpointError(
                Message("{path} cannot be read: {reason}", path=str(path), reason=str(error))
            ) from error
        raise CheckpointError(
            Message(
                "{path} is damaged: {reason}; use an older copy of the folder",
                path=str(path),
                reason=str(error),
            )
        ) from error
