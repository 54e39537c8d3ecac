"""The log of what was done to a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Act"]


@dataclass(frozen=True)
class Act:
    """One act of the user, or the end of a run.

    Attributes
    ----------
    seq : int
        Its number, from 0.
    action : str
        ``"change"``, ``"kill"``, ``"respawn"``, ``"take"``, ``"load"``, ``"diverged"`` or ``"failed"``.
    runs : tuple of int
        The runs concerned.
    iterations : tuple of int
        Full steps of each before it.
    source : int or None
        The run whose state a respawn copied.
    changes : mapping
        Settings that were set, as values that JSON can hold.
    reason : str
        Why, in words.
    """

    seq: int
    action: str
    runs: tuple[int, ...]
    iterations: tuple[int, ...] = ()
    source: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def stored(self) -> dict[str, Any]:
        """Return the act as JSON can hold it."""
        return {**asdict(self), "changes": {name: plain(value) for name, value in self.changes.items()}}

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> Act:
        """Return the act that :meth:`stored` described."""
        lists = {name: tuple(values[name]) for name in ("runs", "iterations")}
        return cls(**{**values, **lists})


def plain(value: Any) -> Any:
    """Return a setting's value as JSON can hold it; data that is no preset, by its type."""
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, str | int | float) else f"<{type(value).__name__}>"
