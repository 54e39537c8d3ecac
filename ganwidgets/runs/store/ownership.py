"""Write access to a run folder: one named process at a time."""

from __future__ import annotations

import contextlib
import datetime as dt
import getpass
import os
import platform
from pathlib import Path

from filelock import FileLock, Timeout

from ganwidgets.messages import Message
from ganwidgets.runs.disk.atomic import reason
from ganwidgets.runs.state.json_values import converted
from ganwidgets.runs.store.checksummed_json import sealed, unsealed
from ganwidgets.runs.store.layout import LOCK, OWNER
from ganwidgets.runs.store.regular import check, opened
from ganwidgets.runs.store.rows import OwnerContent

__all__ = ["Ownership", "owner"]

_LARGEST = 4096


class Ownership:
    """The write access to `folder`, released with the process at the latest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Whichever thread closes the folder releases the lock.
        self._lock = FileLock(folder / LOCK, thread_local=False)

    def take(self) -> Message | None:
        """Acquire the write access; return the reason if it is impossible, else None."""
        try:
            check(self._folder, [LOCK])  # acquiring it opens the file, and cuts it to no length
            self._lock.acquire(timeout=0)
        except Timeout:
            return Message(
                "{path} is in use by {owner}; it can only be read meanwhile",
                path=str(self._folder),
                owner=owner(self._folder),
            )
        except (OSError, NotImplementedError) as error:
            return Message(
                "{path} cannot be written to: {reason}", path=str(self._folder), reason=reason(error)
            )
        # The lock is what counts; the name is for people.
        with contextlib.suppress(OSError), opened(self._folder, OWNER, os.O_RDWR | os.O_CREAT) as file:
            file.truncate(0)
            file.write(_ourselves())
        return None

    def release(self) -> None:
        """Release the write access."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                (self._folder / OWNER).unlink(missing_ok=True)
            self._lock.release()


def owner(folder: Path) -> str:
    """Return the name of the folder's owner, as a text; a killed process is still named."""
    try:
        with opened(folder, OWNER) as file:
            values = unsealed(file.read(_LARGEST))
    except FileNotFoundError:
        return ""
    except OSError:
        values = None
    if values is None:
        return Message("another process")
    try:
        content = converted(values, OwnerContent)
    except ValueError:
        return Message("another process")
    words = {name: " ".join(getattr(content, name).split()) for name in ("user", "host", "since")}
    return Message("process {pid} of {user} on {host}, since {since}", pid=content.pid, **words)


def _ourselves() -> bytes:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # depending on the system and on the version of Python
        user = "?"
    since = dt.datetime.now(dt.UTC).isoformat(" ", "seconds")
    return sealed({"pid": os.getpid(), "user": user, "host": platform.node(), "since": since})
