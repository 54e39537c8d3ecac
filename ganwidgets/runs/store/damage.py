"""What a damaged database leads to, as one kind of error."""

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
"""What SQLite says where the system, and not what the database holds, is in the way."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Make whatever the content of the database `path` leads to a `CheckpointError`."""
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
