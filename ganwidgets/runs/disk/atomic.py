"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["TEMPORARY", "flush_folder", "reason", "whole_file"]

TEMPORARY = "."
"""What the name of a file that is not complete begins with."""


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """Open a file under a temporary name that becomes `target`, on disk, where the block ends well.

    Raises
    ------
    OSError, ValueError
        If it cannot be written; what was there before is still there.
    """
    temporary: Path | None = None
    try:
        temporary = target.with_name(f"{TEMPORARY}{target.name}.{secrets.token_hex(4)}")
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        temporary = None
        flush_folder(target.parent)
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError, ValueError):  # what matters is the error under way
                temporary.unlink(missing_ok=True)


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
