"""Search for picture files in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ganwidgets.data.notices import warn_of_data
from ganwidgets.messages import Message

__all__ = ["EXTENSIONS", "pictures_below"]

EXTENSIONS = ("png", "jpg", "jpeg", "bmp", "gif", "webp", "tif", "tiff")

NAMED = 10
"""Maximum number of paths that a warning names."""


def pictures_below(folder: Path) -> list[Path]:
    """Return the pictures in `folder`, in an order that does not depend on the file system.

    Links to folders are followed. Each folder on disk is read once, so cyclic links end and no picture counts twice.
    Hidden files and folders are skipped. A dangling link counts as a picture if it has a picture's file name, so that
    reading it raises an error with its name.

    Warns
    -----
    DataWarning
        If folders cannot be listed, or if links are dangling or lead to a folder that was read already.
    """
    return _Search(folder).pictures()


class _Search:
    """A walk through all subfolders of a folder: real ones first, then linked ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: set[tuple[int, int]] = set()
        self._links: list[Path] = []
        self._left_out: list[str] = []

    def pictures(self) -> list[Path]:
        found = list(self._below(self._folder))
        while self._links:
            link = self._links.pop(0)
            if self._is_new(link):
                found += self._below(link)
        if self._left_out:
            warn_of_data(
                Message(
                    "{n} entries of {path} are left out: {reasons}{more}",
                    n=len(self._left_out),
                    path=str(self._folder),
                    reasons="; ".join(self._left_out[:NAMED]),
                    more=Message(" and {n} more", n=len(self._left_out) - NAMED)
                    if len(self._left_out) > NAMED
                    else "",
                )
            )
        return sorted(found, key=lambda path: path.relative_to(self._folder).parts)

    def _below(self, folder: Path) -> Iterator[Path]:
        """Yield the pictures in `folder` and its real subfolders; queue the links to other folders."""
        for place, folders, files in os.walk(folder, onerror=self._unreadable):
            self._read.add(_identity(Path(place)))
            below = [Path(place) / name for name in sorted(folders) if not name.startswith(".")]
            self._links += [path for path in below if path.is_symlink()]
            folders[:] = [path.name for path in below if not path.is_symlink() and self._is_new(path)]
            for name in files:
                path = Path(place) / name
                if name.startswith("."):
                    continue
                if path.suffix[1:].lower() in EXTENSIONS:
                    if path.is_file() or (path.is_symlink() and not path.exists()):
                        yield path
                elif path.is_symlink() and not path.exists():
                    self._left_out.append(Message("{path} leads nowhere", path=str(path)))

    def _is_new(self, folder: Path) -> bool:
        """Return True if `folder` is new and does not contain the root; otherwise record why it is left out."""
        if folder.resolve() in self._folder.resolve().parents:
            self._left_out.append(Message("{path} leads to a folder around all of them", path=str(folder)))
        elif _identity(folder) in self._read:
            self._left_out.append(Message("{path} leads to a folder that counts already", path=str(folder)))
        else:
            return True
        return False

    def _unreadable(self, error: OSError) -> None:
        self._left_out.append(
            Message(
                "{path} cannot be listed ({reason})", path=str(error.filename), reason=str(error.strerror)
            )
        )


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino
