"""States as safetensors files, each verified as a whole before it is parsed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from torch import Tensor

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.runs.disk.atomic import TEMPORARY, reason, whole_file
from ganwidgets.runs.state.flatten import flatten, unflatten
from ganwidgets.runs.state.json_values import parsed
from ganwidgets.runs.state.tensor_file import pieces
from ganwidgets.runs.store.entry import SnapshotRow
from ganwidgets.runs.store.layout import SNAPSHOTS
from ganwidgets.runs.store.regular import check_directory, opened

__all__ = ["SnapshotFiles", "WrittenFile"]

_NAME = re.compile(r"[0-9a-f]{16}\.safetensors")
_ROOT = "state"
_LARGEST_HEADER = 100_000_000
"""Maximum bytes of a header in this format."""

WrittenFile = tuple[str, int, str]
"""A file's name, size and SHA-256."""


class SnapshotFiles:
    """The files in the folder ``snapshots/`` of a run folder."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._folder = run / SNAPSHOTS

    def make_folder(self) -> None:
        """Create the folder if it is missing: copies of a run easily lose an empty one.

        Raises
        ------
        OSError
            If it cannot be made, or is a link.
        """
        check_directory(self._folder)
        self._folder.mkdir(exist_ok=True)

    def write(self, tree: Mapping[str, Any]) -> WrittenFile:
        """Write a state to a new file; it is on disk on return.

        Raises
        ------
        OSError, ValueError
            If it cannot be written; the partial file is removed.
        """
        tensors: dict[str, Tensor] = {}
        document = json.dumps(flatten(tree, _ROOT, tensors))
        parts = pieces(tensors, {"document": document})
        name = f"{secrets.token_hex(8)}.safetensors"
        check_directory(self._folder)
        hashing = _Hashing(parts)
        try:
            with whole_file(self._folder / name) as file:
                for part in parts:
                    file.write(part)
        except BaseException:
            self.remove([name])  # it has its name already if only the folder could not be flushed
            raise
        return name, sum(map(_size, parts)), hashing.result()

    def missing(self, rows: Iterable[SnapshotRow]) -> list[str]:
        """Return the names of files that are in the index but not in the folder."""
        wanted = [str(row.file) for row in rows]
        if not wanted:
            return []
        try:
            there = {file.name for file in self._folder.iterdir()}
        except (FileNotFoundError, NotADirectoryError):
            there = set()
        return [name for name in wanted if name not in there]

    def read(self, row: SnapshotRow) -> dict[str, Any]:
        """Return the state that `row` of the index describes.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or not that which was written.
        """
        from safetensors.torch import load

        path = self._folder / str(row.file)
        try:
            metadata, data = _verified(self._run, row)
            tree: dict[str, Any] = unflatten(parsed(metadata["document"]), _ROOT, load(data))
        except Exception as error:  # whatever a parser of damaged bytes raises
            raise CheckpointError(
                Message(
                    "the snapshot {path} is missing or damaged: {reason}",
                    path=str(path),
                    reason=reason(error),
                )
            ) from error
        return tree

    def remove(self, names: Iterable[str]) -> None:
        """Remove files that the index no longer names, as far as the system permits."""
        with contextlib.suppress(OSError):
            check_directory(self._folder)
            self._unlink(names)

    def _unlink(self, names: Iterable[str]) -> None:
        for name in names:
            if _NAME.fullmatch(name):
                with contextlib.suppress(OSError):  # what stays is removed when the folder is opened next
                    (self._folder / name).unlink(missing_ok=True)

    def remove_all_but(self, names: Collection[str]) -> None:
        """Remove our files that the index, which has `names`, does not name; a crash may leave some."""
        with contextlib.suppress(OSError):
            check_directory(self._folder)
            for path in list(self._folder.iterdir()):
                complete = path.name.removeprefix(TEMPORARY).rpartition(".")[0]
                if path.name.startswith(TEMPORARY) and _NAME.fullmatch(complete):
                    path.unlink(missing_ok=True)
            self.remove({path.name for path in self._folder.iterdir()}.difference(names))


class _Hashing:
    """Computes the SHA-256 of a file while it is written."""

    def __init__(self, parts: Iterable[bytes | memoryview]) -> None:
        self._parts = parts
        self._sha256 = hashlib.sha256()
        self._thread: threading.Thread | None = threading.Thread(target=self._compute, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no thread can be started while the interpreter shuts down
            self._thread = None

    def _compute(self) -> None:
        for part in self._parts:
            self._sha256.update(part)

    def result(self) -> str:
        if self._thread is None:
            self._compute()
        else:
            self._thread.join()
        return self._sha256.hexdigest()


def _size(part: bytes | memoryview) -> int:
    return part.nbytes if isinstance(part, memoryview) else len(part)


def _verified(run: Path, row: SnapshotRow) -> tuple[dict[str, str], bytes]:
    """Return the metadata and the content of a snapshot's file, if it matches its checksum."""
    if not _NAME.fullmatch(str(row.file)):
        raise ValueError("that is no name of a snapshot")
    with opened(run, f"{SNAPSHOTS}/{row.file}") as file:
        metadata = _checked_header(file, row.size)
        file.seek(0)
        data = file.read(row.size)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise ValueError("its content does not match its SHA-256")
    return metadata, data


def _checked_header(file: IO[bytes], size: int) -> dict[str, str]:
    """Return the metadata of a file, if its size matches the index and its own header."""
    found = os.fstat(file.fileno()).st_size
    if found != size:
        raise ValueError(f"it has {found} bytes instead of {size}")
    length = int.from_bytes(file.read(8), "little")
    if length > min(found - 8, _LARGEST_HEADER):
        raise ValueError(f"its header claims {length} bytes")
    header = parsed(file.read(length))
    metadata: dict[str, str] = header.pop("__metadata__")
    claimed = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
    if 8 + length + claimed != found:
        raise ValueError(f"its header claims {claimed} bytes of tensors")
    return metadata
