"""Snapshots in a run's folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message
from ganwidgets.runs.record.snapshots import Snapshot, TemporaryShelf
from ganwidgets.runs.state.migrations import completed_state, is_hash_of
from ganwidgets.runs.store import RunFolder, SnapshotRow

__all__ = ["RunShelf"]


class RunShelf:
    """Swaps snapshots out of memory: to the run's folder if they are stored there, else to temporary files.

    Parameters
    ----------
    folder : RunFolder
    whole : callable
        Returns the whole state at a snapshot, given its tree.
    """

    def __init__(
        self, folder: RunFolder, whole: Callable[[Snapshot, dict[str, Any]], dict[str, Any]]
    ) -> None:
        self._folder = folder
        self._whole = whole
        self._temporary = TemporaryShelf()
        self.rows: dict[Snapshot, SnapshotRow] = {}
        """The snapshots in the folder."""

    def write(self, snapshot: Snapshot) -> None:
        if snapshot not in self.rows:
            self._temporary.write(snapshot)

    def read(self, snapshot: Snapshot) -> dict[str, Any]:
        row = self.rows.get(snapshot)
        if row is None:
            return self._temporary.read(snapshot)
        tree = self.stored(snapshot)
        if not is_hash_of(self._whole(snapshot, tree), row.place["state_hash"]):
            raise CheckpointError(
                Message(
                    "the snapshot {path} holds another state than was stored",
                    path=str(self._folder.path / row.file),
                )
            )
        return tree

    def stored(self, snapshot: Snapshot) -> dict[str, Any]:
        """Return the snapshots in the folder.

        Raises
        ------
        CheckpointError
            If the file is missing or damaged.
        """
        row = self.rows[snapshot]
        tree = completed_state(self._folder.read_snapshot(row))
        if tree.get("iteration") != snapshot.place.iteration:
            raise CheckpointError(
                Message(
                    "the snapshot {path} holds the state of another iteration",
                    path=str(self._folder.path / row.file),
                )
            )
        return tree

    def remove(self, snapshot: Snapshot) -> None:
        # A snapshot in the folder is removed with the next commit; until then the index needs it.
        self._temporary.remove(snapshot)

    def take_out(self, snapshots: Iterable[Snapshot]) -> None:
        """Remove stored snapshots from the folder.

        Raises
        ------
        CheckpointError
            If the folder cannot be written to; then they are all still there.
        """
        gone = list(snapshots)
        if gone:
            self._folder.remove_snapshots([self.rows[snapshot] for snapshot in gone])
            for snapshot in gone:
                del self.rows[snapshot]
