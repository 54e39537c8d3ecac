"""The files of a run folder, and their required kinds."""

from __future__ import annotations

from pathlib import Path

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.runs.disk.atomic import reason
from ganwidgets.runs.disk.file_kinds import NotRegularError
from ganwidgets.runs.store.regular import check, check_directory

__all__ = ["CONFIRMED", "DATABASE", "LOCK", "OWNER", "SNAPSHOTS", "check_files"]

DATABASE = "run.sqlite"
CONFIRMED = "confirmed"
LOCK = "lock"
OWNER = "owner.json"
SNAPSHOTS = "snapshots"

_FILES = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", CONFIRMED, LOCK, OWNER)
_ROLLBACK_JOURNAL = f"{DATABASE}-journal"


def check_files(folder: Path) -> None:
    """Check that every file of a run folder is a regular file with one link, or missing.

    A rollback journal is refused: a run's database has a write-ahead log instead, and a rollback journal can make
    SQLite remove a file outside the folder, which it names as its super-journal.

    Raises
    ------
    CheckpointError
        If any of them is something else.
    OSError
        If that cannot be found out.
    """
    try:
        check(folder, _FILES)
        check_directory(folder / SNAPSHOTS)
    except NotRegularError as error:
        raise CheckpointError(
            Message(
                "{path} is not opened: {reason}; a run folder holds regular files only, so copy their content "
                "to a new folder",
                path=str(folder),
                reason=reason(error),
            )
        ) from error
    try:
        (folder / _ROLLBACK_JOURNAL).lstat()
    except FileNotFoundError:
        return
    raise CheckpointError(
        Message(
            "{path} is not opened: {name} is no file of a run; use an older copy of the folder",
            path=str(folder),
            name=_ROLLBACK_JOURNAL,
        )
    )
