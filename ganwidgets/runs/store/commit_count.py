"""Number of confirmed commits of a run folder, stored outside its database.

SQLite takes a damaged or missing end of its journal for a transaction that a crash cut off, and says
nothing. The count is written after each commit, so a database that has fewer has lost some.
"""

from __future__ import annotations

import os
from pathlib import Path

from ganwidgets.runs.store.checksummed_json import sealed, unsealed
from ganwidgets.runs.store.layout import CONFIRMED
from ganwidgets.runs.store.regular import opened

__all__ = ["confirm", "confirmed", "first"]

_SIZE = 256
_TRIES = 3


def first(folder: Path) -> None:
    """Begin the count of a new run folder."""
    confirm(folder, 0)


def confirm(folder: Path, commits: int) -> None:
    """Record that `commits` were confirmed; in place and in one write, so that no space is needed.

    It is not flushed: after a power cut the count may be too low, and then just notices less.
    """
    with opened(folder, CONFIRMED, os.O_RDWR | os.O_CREAT) as file:
        file.write(_text(commits))
        file.truncate(_SIZE)  # what it held may not have been ours


def confirmed(folder: Path) -> int | None:
    """Return the number of confirmed commits, or None if it is unknown."""
    for _ in range(_TRIES):  # another process may be writing it
        try:
            with opened(folder, CONFIRMED) as file:
                values = unsealed(file.read(_SIZE + 1))
        except OSError:
            return None
        commits = values.get("commits") if values is not None else None
        if type(commits) is int:
            return commits
    return None


def _text(commits: int) -> bytes:
    return sealed({"commits": commits}).ljust(_SIZE - 1) + b"\n"
