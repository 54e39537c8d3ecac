"""Crash-safe storage of a run in a folder: confirmed commits survive a crash at any moment.

A run folder holds

``run.sqlite``
    branches, interventions, history and the index of snapshots (with ``-wal`` and ``-shm`` beside
    it while it is open, and after a crash);
``snapshots/``
    states, one safetensors file each;
``confirmed``
    number of confirmed commits, which reveals a journal that lost its end;
``lock``, ``owner.json``
    who writes to it.

Each commit is one transaction that comes after the files it names, so a crash leaves a prefix of
what was committed. Nothing in it is a pickle or can execute.

The folder may come from a stranger. :mod:`.regular` opens its files, so that none leads outside the
folder; :mod:`.rows` declares the types and bounds of what they hold, since a hash detects damage, not intent.
"""

from ganwidgets.runs.store.entry import Entry, SnapshotRow, Stored
from ganwidgets.runs.store.folder import RunFolder

__all__ = ["Entry", "RunFolder", "SnapshotRow", "Stored"]
