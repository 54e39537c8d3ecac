"""Types and bounds of the JSON in a run folder's database."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from msgspec import Meta, Struct

from ganwidgets.runs.state.json_values import MOST

__all__ = ["HeadContent", "HistoryContent", "OwnerContent", "SnapshotContent"]

_Count = Annotated[int, Meta(ge=0, le=MOST)]
_Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Word = Annotated[str, Meta(max_length=255)]


class HeadContent(TypedDict):
    """The head: what all rows come to."""

    commits: _Count
    ids: dict[str, _Count]
    total: Annotated[str, Meta(pattern=r"\A[0-9a-f]{1,64}\Z")]
    ends: dict[str, _Count]
    current: dict[str, Any]


class HistoryContent(Struct, forbid_unknown_fields=True):
    """A row of the table ``history``: the columns' lengths by name."""

    branch: _Count
    first: Annotated[int, Meta(ge=1, le=MOST)]
    columns: dict[str, _Count]


class SnapshotContent(Struct, forbid_unknown_fields=True):
    """A row of the table ``snapshots``."""

    place: dict[str, Any]
    file: Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\.safetensors\Z")]
    size: _Count
    sha256: _Sha256


class OwnerContent(Struct, forbid_unknown_fields=True):
    """The file ``owner.json``."""

    pid: _Count
    user: _Word
    host: _Word
    since: _Word
