"""Access to files of a run folder: regular files with one link, inside that folder.

A run folder may come from a stranger. A symbolic or hard link in it would redirect reading, writing or removal to a
file outside, and a pipe would block its reader. So every file of a run folder is opened by :func:`opened`. If a
library opens it by its path, :func:`check` is called before and after. The path of the run folder itself may be a
link: the user chose it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ganwidgets.messages import Message
from ganwidgets.runs.disk.file_kinds import NotRegularError, kind_of

__all__ = ["check", "check_directory", "opened"]

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_RELATIVE = os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd
"""True if the system opens files relative to an open directory, which avoids races."""


def opened(folder: Path, name: str, flags: int = os.O_RDONLY) -> IO[bytes]:
    """Open the regular file `name` of `folder`, unbuffered for writing.

    Parameters
    ----------
    folder : Path
    name : str
        Relative to `folder`; its directories are not followed if they are links either.
    flags : int
        ``os.O_RDONLY``, or ``os.O_RDWR`` with or without ``os.O_CREAT``, as for :func:`os.open`.

    Raises
    ------
    NotRegularError
        If it is no regular file, or has several names.
    OSError
        If it cannot be opened.
    """
    path = folder / name
    with _directory(path.parent, depth=name.count("/")) as directory:
        where = path if directory is None else path.name
        try:
            before = os.stat(where, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            if not flags & os.O_CREAT:
                raise
        else:
            _refuse_other(path, before)  # opening a device may have an effect
        handle = os.open(where, flags | _NO_FOLLOW | _NO_WAIT, 0o666, dir_fd=directory)
    try:
        _refuse_other(path, os.fstat(handle))
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "r+b", buffering=0) if flags & os.O_RDWR else os.fdopen(handle, "rb")


def check(folder: Path, names: Iterable[str]) -> None:
    """Raise `NotRegularError` if any of the files `names` of `folder` exists and is not a regular file."""
    for name in names:
        path = folder / name
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        _refuse_other(path, found)


def check_directory(path: Path) -> None:
    """Raise `NotRegularError` if `path` exists and is not a directory; a link to one is not."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode) or _is_junction(path):
        raise NotRegularError(path, kind_of(found))


@contextmanager
def _directory(path: Path, depth: int) -> Iterator[int | None]:
    """Open a directory for :func:`os.open`; None if the system does not support it.

    Parameters
    ----------
    depth : int
        How many of the last parts of `path` may not be links.
    """
    parts = path.parts[len(path.parts) - depth :]
    root = path.parents[depth - 1] if depth else path
    if not _RELATIVE:
        for end in range(len(parts)):
            check_directory(root.joinpath(*parts[: end + 1]))
        yield None
        return
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            try:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW, dir_fd=directory)
            except OSError as error:
                if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                    check_directory(path)
                raise
            os.close(directory)
            directory = inner
        yield directory
    finally:
        os.close(directory)


def _refuse_other(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise NotRegularError(path, kind_of(found))
    if found.st_nlink > 1:
        raise NotRegularError(path, Message("a hard link to a file that has other names too"))


def _is_junction(path: Path) -> bool:
    """Return True if `path` is a junction, Windows' link to a directory."""
    return bool(getattr(os.path, "isjunction", lambda _path: False)(path))
