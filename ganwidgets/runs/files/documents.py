"""Types and bounds of a stored run's JSON documents; :mod:`.json_records` writes them.

Bounds are generous: they stop values that would take all memory or time, not unusual runs.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import UNSET, Meta, Struct, UnsetType, field

from ganwidgets.runs.record.notes import LONGEST_NOTE
from ganwidgets.runs.record.places import Beginning
from ganwidgets.runs.state.fitting import MOST_ITERATIONS
from ganwidgets.runs.state.json_values import MOST
from ganwidgets.stepping.runtime.threads import MOST_THREADS

__all__ = [
    "AskedEntry",
    "BesideDocument",
    "BranchDocument",
    "Count",
    "InterventionDocument",
    "Iteration",
    "LogDocument",
    "NoteDocument",
    "OriginDocument",
    "PlaceDocument",
    "RootDocument",
    "RunDocument",
    "SavedDocument",
    "SnapshotDocument",
    "StandDocument",
    "Updates",
]

Count = Annotated[int, Meta(ge=0, le=MOST)]
Iteration = Annotated[int, Meta(ge=0, le=MOST_ITERATIONS)]
Updates = Annotated[int, Meta(ge=1, le=100_000_000)]
"""Maximum number of consecutive updates of one network in one intervention."""

_Text = Annotated[str, Meta(max_length=1_000_000)]
_Word = Annotated[str, Meta(max_length=1000)]
_Hash = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]

PlaceDocument = tuple[Count, Iteration, Count]
"""A place: branch, iteration, seq."""


class OriginDocument(Struct, forbid_unknown_fields=True):
    """Origin of a change."""

    author: _Word
    source: _Word
    reason: _Text = ""
    change: Count = 0


AskedEntry = tuple[_Word, OriginDocument, Any]
"""A pending setting: its name, its origin and its value."""


class RootDocument(Struct, forbid_unknown_fields=True):
    """The first state of a branch."""

    first: PlaceDocument
    built: dict[str, Any]
    settings: dict[str, Any]
    fingerprint: _Word
    threads: Annotated[int, Meta(ge=1, le=MOST_THREADS)]


class BranchDocument(Struct, forbid_unknown_fields=True):
    """A branch."""

    id: Count
    name: Annotated[str, Meta(max_length=100_000)]
    start: PlaceDocument | None
    origin: Beginning
    root: RootDocument | UnsetType = UNSET


class InterventionDocument(Struct, forbid_unknown_fields=True):
    """An intervention; `old` and `new` are checked as values of `setting`."""

    seq: Count
    iteration: Iteration
    author: _Word
    source: _Word
    setting: _Word
    old: Any
    new: Any
    reason: _Text = ""
    branch: Count = 0
    samples_seen: Count = 0
    hash_before: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")] = ""
    data: _Word | UnsetType = UNSET


class SnapshotDocument(Struct, tag_field="kind", tag="state", forbid_unknown_fields=True):
    """A state in a run folder."""

    key: Count
    place: PlaceDocument
    repeated: Count
    settings: dict[str, Any]
    asked: list[AskedEntry]
    state_hash: _Hash


class DataDocument(Struct, tag_field="kind", tag="data", forbid_unknown_fields=True):
    """The data of a run, besides its states."""

    name: _Word
    called: _Text
    of: _Word
    options: dict[str, Any] = field(default_factory=dict)


class StartDocument(Struct, tag_field="kind", tag="start", forbid_unknown_fields=True):
    """Initial content of the user's own networks, besides the states."""

    name: Literal["start"]


BesideDocument = SnapshotDocument | DataDocument | StartDocument
"""Description of a file in ``snapshots/``."""


class Environment(Struct):
    """Versions and device of the computation; a newer version may add entries."""

    torch: _Word
    python: _Word
    device: _Word
    processor: _Word
    threads: _Word


NoteDocument = tuple[Count, Iteration, Annotated[str, Meta(min_length=1, max_length=LONGEST_NOTE)]]
"""A note: branch, iteration, text."""


class StandDocument(Struct, forbid_unknown_fields=True):
    """Current place of a run in a folder."""

    place: PlaceDocument
    here: Count | None
    asked: list[AskedEntry]
    tips: dict[Annotated[str, Meta(pattern=r"\A[0-9]{1,9}\Z")], Count]
    interventions: Count
    environments: Annotated[list[Environment], Meta(min_length=1)]
    notes: list[NoteDocument] = field(default_factory=list)


class RunDocument(Struct):
    """Initial content of a run folder."""

    format: Literal[1]
    own: dict[str, bool | _Word]
    device: Annotated[str, Meta(max_length=64)] = "cpu"


class AskedInFile(Struct, forbid_unknown_fields=True):
    """A pending setting in a saved file."""

    setting: _Word
    old: Any
    origin: OriginDocument


class LogDocument(Struct, forbid_unknown_fields=True):
    """The interventions in a saved file."""

    records: list[InterventionDocument]
    asked: list[AskedInFile]
    data: _Word | UnsetType = UNSET


class DataInFile(Struct, forbid_unknown_fields=True):
    """The data of a saved file."""

    name: _Text
    kind: _Word
    options: dict[str, Any] = field(default_factory=dict)


class SavedDocument(TypedDict):
    """The document of a saved file; `state` and `start` are trees of tensors."""

    state: dict[str, Any]
    start: dict[str, Any]
    log: LogDocument
    data: dict[str, DataInFile]
    torch: _Word
    notes: NotRequired[list[NoteDocument]]
    layout: NotRequired[dict[str, Any]]
