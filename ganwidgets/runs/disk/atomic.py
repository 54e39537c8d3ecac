"""Atomic writing of files: a reader finds the old file or the whole new one."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ganwidgets.runs.disk.file_kinds import NotRegularError, kind_of

__all__ = ["TEMPORARY", "chosen_file", "flush_folder", "reason", "whole_file"]

TEMPORARY = "."
"""Prefix of the names of incomplete files."""


def chosen_file(path: Path) -> Path:
    """Return the path for a file written to `path`: the target if it is a symbolic link.

    Raises
    ------
    NotRegularError
        If something exists there that is no regular file.
    OSError, ValueError
        If links lead round in a circle, or the path cannot be one.
    """
    # Otherwise the new file would replace the link, and the link's target would stay old.
    target = _end_of_links(path) if path.is_symlink() else path
    _permissions(target)
    return target


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file; if the block raises nothing, flush it to disk and rename it to `target`.

    An existing `target` is replaced, and its permissions are kept.

    Raises
    ------
    NotRegularError
        If `target` is no regular file: a rename would replace a pipe or a device by a file.
    OSError, ValueError
        If it cannot be written; the old file is kept.
    """
    temporary: Path | None = None
    try:
        permissions = _permissions(target)
        temporary = target.with_name(f"{TEMPORARY}{target.name}.{secrets.token_hex(4)}")
        with temporary.open("xb") as file:
            if permissions is not None:
                temporary.chmod(permissions)
            yield file
            file.flush()
            os.fsync(file.fileno())
        _permissions(target)  # another process may have created something there
        temporary.replace(target)
        temporary = None
        flush_folder(target.parent)
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError, ValueError):  # what matters is the error under way
                temporary.unlink(missing_ok=True)


def _end_of_links(path: Path) -> Path:
    """Return the path with all links resolved, even if the target does not exist."""
    try:
        return Path(os.path.realpath(path, strict=True))
    except FileNotFoundError:
        return Path(os.path.realpath(path))


def _permissions(target: Path) -> int | None:
    """Return the permissions of the regular file `target`; None if nothing exists there."""
    try:
        found = target.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise NotRegularError(target, kind_of(found))
    return stat.S_IMODE(found.st_mode)


def flush_folder(folder: Path) -> None:
    """Flush a rename in `folder` to disk, if the system supports it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def reason(error: Exception) -> str:
    """Return the system's error text, without the file's name."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
