"""Files that are there whole or not at all."""

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
"""What the name of a file that is not complete begins with."""


def chosen_file(path: Path) -> Path:
    """Return the path that a file written to `path` gets: a symbolic link that the user chose is followed.

    Raises
    ------
    NotRegularError
        If something exists there that is no regular file.
    OSError, ValueError
        If links lead round in a circle, or the path cannot be one.
    """
    # Without this, the link itself would be replaced by the file, and what it points to would stay old.
    target = _end_of_links(path) if path.is_symlink() else path
    _permissions(target)
    return target


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """Open a file under a temporary name that becomes `target`, on disk, where the block ends well.

    A file that `target` named before is replaced, and its permissions are kept.

    Raises
    ------
    NotRegularError
        If `target` is no regular file: a rename would replace a pipe or a device by a file.
    OSError, ValueError
        If it cannot be written; what was there before is still there.
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
        _permissions(target)  # another process may have made something there meanwhile
        temporary.replace(target)
        temporary = None
        flush_folder(target.parent)
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError, ValueError):  # what matters is the error under way
                temporary.unlink(missing_ok=True)


def _end_of_links(path: Path) -> Path:
    """Return the path without links, also if nothing exists at their end."""
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
    """Make a rename in `folder` lasting, where the system lets a folder be flushed."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def reason(error: Exception) -> str:
    """Return what the system says was wrong, without the file's name."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
