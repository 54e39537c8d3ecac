"""A saved run on disk: one safetensors file, nothing in which can execute.

The file holds the tensors, and in its header's metadata one JSON document and a SHA-256 over that
document and every tensor's name, dtype, shape and bits. It is written under a temporary name,
flushed, and renamed, so that a path holds either the old file or the whole new one.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.runs.disk.atomic import chosen_file, reason, whole_file
from ganwidgets.runs.state.checkpoint_errors import sound
from ganwidgets.runs.state.hashing import digest
from ganwidgets.runs.state.json_values import converted, parsed
from ganwidgets.runs.state.tensor_file import pieces
from ganwidgets.validation import checked_path

__all__ = ["FORMAT", "numbers_of", "read_checkpoint", "write_checkpoint"]

FORMAT = 1
"""Version of the written format, and the newest readable one."""


def write_checkpoint(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], document: Mapping[str, Any]
) -> None:
    """Write `tensors` and `document`, a JSON value, to the file `path`.

    Raises
    ------
    CheckpointError
        If the file cannot be written, or `path` names a directory, a pipe, a socket or a device. What was
        there before is still there.
    """
    target = checked_path("path", path)
    text = json.dumps(document, sort_keys=True)
    metadata = {
        "ganwidgets": str(FORMAT),
        "document": text,
        "sha256": digest({"format": str(FORMAT), "document": text, "tensors": tensors}),
    }
    try:
        with whole_file(chosen_file(target)) as file:
            for piece in pieces(tensors, metadata):
                file.write(piece)
    except (OSError, ValueError) as error:
        raise CheckpointError(
            Message(
                "{path} cannot be written: {reason}; choose a file in a folder that exists and can be "
                "written to",
                path=str(target),
                reason=reason(error),
            )
        ) from error


def read_checkpoint(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the document of a file written by :func:`write_checkpoint`.

    Raises
    ------
    CheckpointError
        If there is no such file, it is no checkpoint, it is damaged or cut short, or a newer
        version of ganwidgets wrote it.
    """
    target = checked_path("path", path)
    tensors, metadata = _read(target, lambda _name: True)
    text = metadata["document"]
    if digest({"format": metadata["ganwidgets"], "document": text, "tensors": tensors}) != metadata.get(
        "sha256"
    ):
        raise CheckpointError(
            Message(
                "{path} is damaged: its content does not match its SHA-256; use an older copy",
                path=str(target),
            )
        )
    return tensors, _document(target, text)


def numbers_of(
    path: str | os.PathLike[str], wanted: Callable[[str], Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors for whose names `wanted` returns a truthy value, by name, and the document.

    Nothing else is read, so the SHA-256 over all tensors is not compared.

    Raises
    ------
    CheckpointError
        As :func:`read_checkpoint`.
    """
    target = checked_path("path", path)
    tensors, metadata = _read(target, wanted)
    return tensors, _document(target, metadata["document"])


def _document(path: Path, text: str) -> dict[str, Any]:
    with sound(path):
        document: dict[str, Any] = converted(parsed(text), dict[str, Any])
    return document


def _read(target: Path, wanted: Callable[[str], Any]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the `wanted` tensors, and the metadata if the format is readable."""
    from safetensors import safe_open

    try:
        _check_regular(target)
        with safe_open(target, framework="pt") as file:
            metadata = file.metadata() or {}
            names = [name for name in file.keys() if wanted(name)]  # noqa: SIM118
            tensors = {name: file.get_tensor(name).clone() for name in names}
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(
            Message("{path} cannot be read: {reason}", path=str(target), reason=reason(error))
        ) from error
    except Exception as error:  # whatever a parser of damaged bytes raises
        raise CheckpointError(
            Message(
                "{path} is damaged, cut short, or not a run that ganwidgets saved: {reason}",
                path=str(target),
                reason=reason(error),
            )
        ) from error
    found = metadata.get("ganwidgets", "")
    if not found:
        raise CheckpointError(Message("{path} is not a run that ganwidgets saved", path=str(target)))
    # First, since a newer version may well compute its SHA-256 in another way.
    readable = {str(version) for version in range(1, FORMAT + 1)}
    if found.isascii() and found.isdecimal() and found not in readable:
        raise CheckpointError(
            Message(
                "{path} was saved by a newer version of ganwidgets (format {found}, this one reads up to "
                "{known}); upgrade ganwidgets",
                path=str(target),
                found=found[:20],
                known=FORMAT,
            )
        )
    if found not in readable:
        raise CheckpointError(
            Message(
                "{path} is damaged: its content does not match its SHA-256; use an older copy",
                path=str(target),
            )
        )
    return tensors, {**metadata, "document": metadata.get("document", "")}


def _check_regular(path: Path) -> None:
    """Raise unless `path` is a readable file, or a link to one.

    Raises
    ------
    CheckpointError
        For a folder or a pipe, whose opening would wait for a writer.
    OSError
        If there is no such file, or it cannot be read: what safetensors says then names no file.
    """
    from ganwidgets.runs.store.layout import DATABASE  # what stores runs is slow to import

    mode = path.stat().st_mode
    if stat.S_ISDIR(mode) and (path / DATABASE).exists():
        raise CheckpointError(
            Message("{path} is the folder of a run; gw.open_run({path!r}) opens it", path=str(path))
        )
    if not stat.S_ISREG(mode):
        raise CheckpointError(
            Message("{path} cannot be read: it is no file; pass the file of a saved run", path=str(path))
        )
    with path.open("rb"):
        pass
