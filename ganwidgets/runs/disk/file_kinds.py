"""Kind of a path: regular file, pipe, device, directory, or link."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from ganwidgets.messages import Message

__all__ = ["NotRegularError", "kind_of"]


class NotRegularError(OSError):
    """The path names something other than a regular file."""

    def __init__(self, path: Path, what: Message) -> None:
        super().__init__(errno.EPERM, Message("{name} is {what}", name=path.name, what=what), str(path))


def kind_of(found: os.stat_result) -> Message:
    """Return a text for the result of :func:`os.lstat`."""
    mode = found.st_mode
    if stat.S_ISLNK(mode):
        return Message("a symbolic link")
    if stat.S_ISFIFO(mode):
        return Message("a pipe")
    if stat.S_ISSOCK(mode):
        return Message("a socket")
    if stat.S_ISDIR(mode):
        return Message("a directory")
    if stat.S_ISREG(mode):
        return Message("a file")
    return Message("a device")
