"""Snapshots of a run's state, from which places in between are recomputed.

Snapshots are the copies that :mod:`~ganwidgets.runs.session.rollback` takes. Beyond a memory budget they move to
files. Beyond the disk budget they are thinned, with wider spacing for the older past. *Pinned* snapshots are never
discarded: first states of fresh starts, and tips of branches.
"""

from __future__ import annotations

import itertools
import json
import math
import shutil
import tempfile
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ganwidgets.errors import CheckpointWarning
from ganwidgets.messages import Message
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.state.flatten import flatten, unflatten

__all__ = ["DISK_BUDGET", "MEMORY_BUDGET", "Shelf", "Snapshot", "Snapshots", "TemporaryShelf", "thinned"]

MEMORY_BUDGET = 256 * 2**20
"""Maximum bytes of snapshots in memory."""

DISK_BUDGET = 2 * 2**30
"""Maximum bytes of snapshots in files."""

TENSOR = 660
"""Approximate overhead of a tensor, in bytes."""


@dataclass(eq=False)
class Snapshot:
    """A run's state at one place.

    Attributes
    ----------
    place : Position
    repeated : int
        Number of updates in the last intervention before `place` if that records updates, else 0. More may have been
        added to it since.
    settings : mapping
        Settings for the next update, by name.
    asked : mapping
        Pending settings with their origins; only tips have any.
    pinned : bool
        True if it is never discarded.
    tree : dict or None
        The state, as :func:`~ganwidgets.runs.state.state_tree.state_tree` describes it; None while it is in
        a file.
    size : int
        Bytes of its tensors.
    """

    place: Position
    repeated: int
    settings: Mapping[str, Any]
    asked: Mapping[str, tuple[Origin, Any]]
    tree: dict[str, Any] | None
    pinned: bool = False
    size: int = field(init=False)

    def __post_init__(self) -> None:
        tensors: dict[str, Tensor] = {}
        flatten(self.tree, "", tensors)
        self.size = sum(tensor.nbytes + TENSOR for tensor in tensors.values())


class Shelf(Protocol):
    """Storage for snapshots that do not fit in memory."""

    def write(self, snapshot: Snapshot) -> None:
        """Keep a copy of the snapshot's tree, or raise `OSError`."""

    def read(self, snapshot: Snapshot) -> dict[str, Any]:
        """Return the stored tree, or raise any exception."""

    def remove(self, snapshot: Snapshot) -> None:
        """Delete it."""


class TemporaryShelf:
    """A temporary folder that is deleted with the process."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._paths: dict[Snapshot, Path] = {}
        self._numbers = itertools.count()

    def write(self, snapshot: Snapshot) -> None:
        from safetensors.torch import save_file

        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ganwidgets-snapshots-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        path = self._folder / f"{next(self._numbers)}.safetensors"
        tensors: dict[str, Tensor] = {}
        plain = flatten(snapshot.tree, "", tensors)
        # Joined by type, because safetensors takes longer for each tensor than for what small ones hold.
        parts: dict[str, list[Tensor]] = {}
        for tensor in tensors.values():
            parts.setdefault(str(tensor.dtype), []).append(tensor.reshape(-1))
        joined = {dtype: torch.cat(flat) for dtype, flat in parts.items()}
        layout = [(name, str(tensor.dtype), tuple(tensor.shape)) for name, tensor in tensors.items()]
        try:
            save_file(joined, path, {"plain": json.dumps(plain), "layout": json.dumps(layout)})
        except Exception as error:  # safetensors has an exception of its own for a full disk
            path.unlink(missing_ok=True)
            raise error if isinstance(error, OSError) else OSError(str(error)) from error
        self._paths[snapshot] = path

    def read(self, snapshot: Snapshot) -> dict[str, Any]:
        from safetensors import safe_open

        with safe_open(self._paths[snapshot], framework="pt") as file:
            joined = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = file.metadata()
        tensors: dict[str, Tensor] = {}
        begin = dict.fromkeys(joined, 0)
        for name, dtype, shape in json.loads(about["layout"]):
            end = begin[dtype] + math.prod(shape)
            # Copied, because a generator's `set_state` reads a tensor that begins inside another wrongly.
            tensors[name] = joined[dtype][begin[dtype] : end].clone().reshape(shape)
            begin[dtype] = end
        tree: dict[str, Any] = unflatten(json.loads(about["plain"]), "", tensors)
        return tree

    def remove(self, snapshot: Snapshot) -> None:
        path = self._paths.pop(snapshot, None)
        if path is not None:
            path.unlink(missing_ok=True)


class Snapshots:
    """All snapshots of one run.

    Parameters
    ----------
    shelf : Shelf
        Where those go that exceed `memory`.
    memory, disk : int
        Bytes that may be held in memory and on the shelf; pinned ones may exceed `disk`.
    """

    def __init__(self, shelf: Shelf, *, memory: int = MEMORY_BUDGET, disk: int = DISK_BUDGET) -> None:
        self._shelf = shelf
        self._memory_budget = memory
        self._disk_budget = disk
        # Pinned ones move to the shelf last; otherwise the oldest do first.
        self._pinned: OrderedDict[Snapshot, None] = OrderedDict()
        self._recent: OrderedDict[Snapshot, None] = OrderedDict()
        self._shelved: OrderedDict[Snapshot, None] = OrderedDict()
        self._in_memory = 0
        self._on_shelf = 0
        self._warned = False

    def __iter__(self) -> Iterator[Snapshot]:
        return iter([*self._pinned, *self._recent, *self._shelved])

    def put_on(self, shelf: Shelf) -> None:
        """Use `shelf` from now on; the old one must be empty."""
        assert not self._shelved, "its snapshots would be lost"
        self._shelf = shelf

    def add(self, snapshot: Snapshot) -> None:
        """Add `snapshot`."""
        (self._pinned if snapshot.pinned else self._recent)[snapshot] = None
        self._in_memory += snapshot.size
        if self._in_memory > self._memory_budget:
            self._make_room()

    def found(self, snapshot: Snapshot, size: int) -> None:
        """Add `snapshot`, which is already on the shelf with this size."""
        snapshot.size = size
        self._shelved[snapshot] = None
        self._on_shelf += size

    def discard(self, snapshot: Snapshot) -> None:
        """Remove `snapshot` if present."""
        for held in (self._pinned, self._recent):
            if snapshot in held:
                del held[snapshot]
                self._in_memory -= snapshot.size
        if snapshot in self._shelved:
            del self._shelved[snapshot]
            self._on_shelf -= snapshot.size
            self._shelf.remove(snapshot)

    def pin(self, snapshot: Snapshot) -> None:
        """Pin `snapshot`: never discard it."""
        snapshot.pinned = True
        if snapshot in self._recent:
            self._pinned[snapshot] = None
            del self._recent[snapshot]

    def unpin(self, snapshot: Snapshot) -> None:
        """Unpin `snapshot`: it may be discarded."""
        snapshot.pinned = False
        if snapshot in self._pinned:
            self._recent[snapshot] = None
            del self._pinned[snapshot]

    def read(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """Return the tree of `snapshot`, or None with a warning if its file is unreadable."""
        if snapshot.tree is not None:
            return snapshot.tree
        try:
            return self._shelf.read(snapshot)
        except Exception as error:  # noqa: BLE001 - whatever a parser of damaged bytes raises
            warnings.warn(
                Message(
                    "the snapshot of iteration {iteration} is lost ({reason}); an earlier one is used, "
                    "which takes longer",
                    iteration=snapshot.place.iteration,
                    reason=f"{type(error).__name__}: {error}",
                ),
                CheckpointWarning,
                stacklevel=2,
            )
            self.discard(snapshot)
            return None

    # --- making room ----------------------------------------------------------------------------

    def _make_room(self) -> None:
        for held in (self._recent, self._pinned):
            for snapshot in list(itertools.islice(held, len(held))):
                if self._in_memory <= self._memory_budget:
                    break
                self._move(snapshot, held)
        if self._on_shelf > self._disk_budget:
            self._thin()

    def _move(self, snapshot: Snapshot, held: OrderedDict[Snapshot, None]) -> None:
        """Move `snapshot` to the shelf; on a failure discard it unless it is pinned."""
        try:
            self._shelf.write(snapshot)
        except OSError as error:
            self._warn(error)
            if not snapshot.pinned:
                self.discard(snapshot)
            return
        self._shelved[snapshot] = None
        self._on_shelf += snapshot.size
        del held[snapshot]
        self._in_memory -= snapshot.size
        snapshot.tree = None

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                Message(
                    "older snapshots of this run are given up, so that going far back takes longer: no "
                    "temporary file can be written ({reason}); free some space or set TMPDIR to another "
                    "folder",
                    reason=str(error),
                ),
                RuntimeWarning,
                stacklevel=2,
            )

    def _thin(self) -> None:
        """Discard snapshots until a tenth of the shelf is free."""
        loose = [snapshot for snapshot in self._shelved if not snapshot.pinned]
        by_place = {snapshot.place: snapshot for snapshot in loose}
        while self._on_shelf > 0.9 * self._disk_budget and by_place:
            for place in thinned(by_place):
                if self._on_shelf <= 0.9 * self._disk_budget:
                    break
                self.discard(by_place.pop(place))


def thinned(places: Iterable[Position]) -> list[Position]:
    """Return the most dispensable of `places`, best first, without two neighbours.

    A place is dispensable if the distance between its neighbours is small compared with its age.
    """
    branches: dict[int, list[Position]] = {}
    for place in places:
        branches.setdefault(place.branch, []).append(place)
    spared: list[tuple[float, Position]] = []
    for line in branches.values():
        line.sort(key=lambda place: (place.iteration, place.seq))
        newest = line[-1].iteration
        scores = [
            ((after.iteration - before.iteration) / (newest - place.iteration + 1), index)
            for index, (before, place, after) in enumerate(
                zip([line[0], *line], line, line[1:], strict=False)
            )
        ] or [(0.0, 0)]
        taken: set[int] = set()
        for score, index in sorted(scores):
            if not {index - 1, index + 1} & taken:
                taken.add(index)
                spared.append((score, line[index]))
    return [place for _, place in sorted(spared, key=lambda entry: entry[0])]
