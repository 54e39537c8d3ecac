"""Storage of a sweep: one file with all its runs, and a folder that is updated during training."""

from __future__ import annotations

import os
import re
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.runs.disk.atomic import reason
from ganwidgets.runs.files.checkpoint import numbers_of, read_checkpoint, write_checkpoint
from ganwidgets.runs.files.record import record_from
from ganwidgets.runs.files.session_file import session_content, session_from
from ganwidgets.runs.record.run_record import RunRecord
from ganwidgets.runs.state.checkpoint_errors import sound
from ganwidgets.stepping.runtime.ambient import under_pinned_modes
from ganwidgets.sweeps.acts import Act, known_settings
from ganwidgets.sweeps.lanes.lane import Lane, OwnParts
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.validation import checked_path

__all__ = [
    "FILE",
    "STATUSES",
    "StoredSweep",
    "SweepFolder",
    "file_of",
    "read_sweep",
    "records_of_file",
    "sweep_content",
    "sweep_from",
    "write_sweep",
]

FILE = "sweep.ganwidgets"
"""Name of a sweep's file in its folder."""

FORMAT = 1

_SHARED = ("data/", "labels/")

_HISTORY = re.compile(r"(run \d+/)?history/[^/]+$")
"""Names of the columns of a history, in the file of one run or of a sweep."""

STATUSES = ("new", "running", "stopped", "diverged", "failed")
"""Every status of a run."""


class StoredSweep:
    """Content of a file.

    Attributes
    ----------
    lanes : list of Lane
    varied : list of str
    acts : list of Act
    """

    def __init__(self, lanes: list[Lane], varied: list[str], acts: list[Act]) -> None:
        self.lanes, self.varied, self.acts = lanes, varied, acts


@under_pinned_modes
def write_sweep(
    path: str | os.PathLike[str], lanes: Sequence[Lane], varied: Sequence[str], acts: Sequence[Act]
) -> None:
    """Write a sweep to the file `path`; data shared by several runs are stored once.

    Raises
    ------
    CheckpointError
        If the file cannot be written; the old file is kept.
    """
    write_checkpoint(path, *sweep_content(lanes, varied, acts))


def sweep_content(
    lanes: Sequence[Lane], varied: Sequence[str], acts: Sequence[Act]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the stored content of a sweep: tensors by name, not copied, and a JSON document."""
    tensors: dict[str, Tensor] = {}
    documents = []
    for index, lane in enumerate(lanes):
        own, document = session_content(lane.session)
        documents.append(document)
        for name, tensor in own.items():
            tensors[name if name.startswith(_SHARED) else f"run {index}/{name}"] = tensor
    about = {
        "format": FORMAT,
        "varied": list(varied),
        "acts": [act.stored() for act in acts],
        "runs": [{"status": lane.status, "error": str(lane.error)} for lane in lanes],
    }
    return tensors, {"sweep": about, "runs": documents, "torch": torch.__version__}


@under_pinned_modes
def read_sweep(path: str | os.PathLike[str], data: Any, own: OwnParts, device: torch.device) -> StoredSweep:
    """Return the sweep in a file of :func:`write_sweep`.

    Parameters
    ----------
    data
        The training data if the file does not contain it, otherwise None.
    own : OwnParts
        The user's own parts, as at the sweep's creation.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, foreign or newer, or does not match the arguments.
    """
    tensors, document = read_checkpoint(path)
    if "sweep" not in document:
        raise CheckpointError(
            Message("{path} holds one run and no sweep; gw.GANTrainer.load opens it", path=str(path))
        )
    with sound(path):
        if document["sweep"]["format"] != FORMAT:
            raise CheckpointError(
                Message(
                    "{path} holds a sweep of format {found}, but this version of ganwidgets reads {known}",
                    path=str(path),
                    found=document["sweep"]["format"],
                    known=FORMAT,
                )
            )
        return sweep_from(path, tensors, document, data, own, device)


def records_of_file(path: str | os.PathLike[str]) -> dict[str, RunRecord]:
    """Return the records in a saved file by name: ``""`` for a single run, ``"run 0"`` for a run of a sweep.

    Only the document and the history columns are read, so the SHA-256 of all tensors is not checked.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, foreign or newer.
    """
    columns, document = numbers_of(path, _HISTORY.match)
    by_run: dict[str, dict[str, Tensor]] = {}
    for name, column in columns.items():
        run, _, short = name.rpartition("history/")
        by_run.setdefault(run, {})[short] = column
    with sound(path):
        if "sweep" not in document:
            return {"": record_from(by_run.get("", {}), document)}
        return {
            f"run {index}": record_from(by_run.get(f"run {index}/", {}), stored)
            for index, stored in enumerate(document["runs"])
        }


def sweep_from(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Tensor],
    document: Mapping[str, Any],
    data: Any,
    own: OwnParts,
    device: torch.device,
    known: Mapping[str, Any] = MappingProxyType({}),
) -> StoredSweep:
    """Inverse of :func:`sweep_content`.

    Parameters
    ----------
    path
        The file, for error messages.
    data, own, device
        As for :func:`read_sweep`.
    known : mapping
        Known data by their names in states; they are not read from `tensors`.

    Raises
    ------
    Exception
        Of many classes, if the content is not a result of :func:`sweep_content`.
    """
    about = document["sweep"]
    shared = {name: tensor for name, tensor in tensors.items() if name.startswith(_SHARED)}
    found = dict(known)
    lanes = []
    for index, (stored, run) in enumerate(zip(document["runs"], about["runs"], strict=True)):
        prefix = f"run {index}/"
        mine = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        name = stored["state"]["built"]["data"]
        session = session_from(path, {**shared, **mine}, stored, found.get(name, data), own.copied(), device)
        found.setdefault(name, session.built["data"])
        if run["status"] not in STATUSES:
            raise ValueError(f"a run has the status {run['status']!r}")
        lanes.append(Lane(GANTrainer._of(session), str(run["status"]), str(run["error"])))
    return StoredSweep(lanes, known_settings(about["varied"]), [Act.restored(a) for a in about["acts"]])


class SweepFolder:
    """Stores a sweep in a folder: at most every few seconds, and for at most 2 % of the time.

    Parameters
    ----------
    folder : Path
    write : callable
        Writes the sweep to a given file.
    new : bool
        Require an empty folder.

    Raises
    ------
    CheckpointError
        If the folder is not empty, is in use, or is not writable.
    """

    LEAST, SHARE = 2.0, 0.02

    def __init__(self, folder: Path, write: Callable[[Path], None], *, new: bool) -> None:
        self.folder = folder
        self._write = write
        self._due = 0.0
        self._changed = False
        self._open = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            there = sorted(entry.name for entry in folder.iterdir())
        except OSError as error:
            raise CheckpointError(
                Message("{path} cannot be written to: {reason}", path=str(folder), reason=reason(error))
            ) from error
        if new and FILE in there:
            raise CheckpointError(
                Message(
                    "{path} already holds a sweep; gw.Sweep.load({path!r}) goes on with it", path=str(folder)
                )
            )
        if new and there:
            raise CheckpointError(
                Message(
                    "{path} holds something else ({name}); choose a folder that is empty or not there yet",
                    path=str(folder),
                    name=there[0],
                )
            )
        from ganwidgets.runs.store.ownership import Ownership  # slow to import

        self._ownership = Ownership(folder)
        refused = self._ownership.take()
        if refused is not None:
            raise CheckpointError(self._remedied(refused))
        self._open = True
        _OPEN[self._key] = self

    @property
    def _key(self) -> str:
        return str(self.folder.resolve())

    def _remedied(self, refused: Message) -> Message:
        """Return why the folder is not writable, and what to do."""
        other = _OPEN.get(self._key)
        if other is not None and other._open:
            return Message(
                "{path} is in use by another sweep of this process, such as that of a cell that ran before; go on with it, "
                "or call its close() first",
                path=str(self.folder),
            )
        if not (self.folder / FILE).is_file():
            return refused
        return Message(
            "{refused}; gw.Sweep.load({file!r}) loads a copy, which is not stored",
            refused=refused,
            file=str(self.folder / FILE),
        )

    def changed(self) -> None:
        """Record a change, and store the sweep if due."""
        self._changed = True
        if self._open and time.monotonic() >= self._due:
            self.save()

    def save(self) -> None:
        """Store the sweep now.

        Raises
        ------
        CheckpointError
            If the file cannot be written; the old file is kept.
        """
        if not self._open or not self._changed:
            return
        began = time.monotonic()
        self._write(self.folder / FILE)
        ended = time.monotonic()
        self._due = ended + max(self.LEAST, (ended - began) / self.SHARE)
        self._changed = False

    def close(self) -> None:
        """Store the sweep, and release the folder for other processes."""
        if self._open:
            self.save()
            self._open = False
            self._ownership.release()


_OPEN: weakref.WeakValueDictionary[str, SweepFolder] = weakref.WeakValueDictionary()
"""The folders that sweeps of this process store in, by their absolute paths."""


def file_of(path: str | os.PathLike[str]) -> Path:
    """Return the sweep's file for `path`, which is the file itself or its folder.

    Raises
    ------
    CheckpointError
        If `path` is a folder without a sweep.
    """
    target = checked_path("path", path)
    if not target.is_dir():
        return target
    if not (target / FILE).exists():
        raise CheckpointError(
            Message(
                "{path} holds no sweep: it has no file {file}; gw.open_run({path!r}) opens the folder of one run",
                path=str(target),
                file=FILE,
            )
        )
    return target / FILE
