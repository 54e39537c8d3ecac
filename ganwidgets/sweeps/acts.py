"""Log of the actions on a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ganwidgets.runs.state.json_values import converted
from ganwidgets.settings import SETTINGS

__all__ = ["Act", "known_settings"]


@dataclass(frozen=True)
class Act:
    """One action of the user, or the end of a run.

    Attributes
    ----------
    seq : int
        Number of the action, from 0.
    action : str
        ``"change"``, ``"kill"``, ``"respawn"``, ``"undo"``, ``"take"``, ``"load"``, ``"diverged"`` or
        ``"failed"``.
    runs : tuple of int
        The affected runs.
    iterations : tuple of int
        Full steps of each run before the action.
    source : int or None
        The run whose state a respawn copied.
    changes : mapping
        Changed settings, as JSON values.
    reason : str
        Reason given by the user, or the error.
    """

    seq: int
    action: str
    runs: tuple[int, ...]
    iterations: tuple[int, ...] = ()
    source: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def stored(self) -> dict[str, Any]:
        """Return the act as a JSON value."""
        return {**asdict(self), "changes": {name: plain(value) for name, value in self.changes.items()}}

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> Act:
        """Inverse of :meth:`stored`.

        Raises
        ------
        ValueError
            If a value is of another type, or an unknown setting is changed.
        """
        act: Act = converted(values, cls)
        known_settings(list(act.changes))
        return act


def known_settings(names: Any) -> list[str]:
    """Return `names` if it is a list of setting names; otherwise raise `ValueError`."""
    found: list[str] = converted(names, list[str])
    for name in found:
        if name not in SETTINGS:
            raise ValueError(f"there is no setting {name!r}")
    return found


def plain(value: Any) -> Any:
    """Return a setting's value as a JSON value; for data that is not a preset, the name of its type."""
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, str | int | float) else f"<{type(value).__name__}>"
