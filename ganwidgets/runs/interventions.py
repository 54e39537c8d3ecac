"""The log of everything that people and rules changed in a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

__all__ = ["Intervention", "InterventionLog"]


@dataclass(frozen=True)
class Intervention(Mapping[str, Any]):
    """One change of one setting, or one action such as a reset; readable as a mapping too.

    Attributes
    ----------
    seq : int
        Its place in the log, from 0.
    iteration : int
        The iteration after which it took force: the next update was the first to obey it.
    author : str
        Who asked for it: ``"user"`` (by a control), ``"cell"`` (by code) or ``"rule"``.
    source : str
        Where it came from: ``"widget"``, ``"code"`` or ``"rule"``.
    setting : str
        The setting's name, or the action: ``"reset"``, ``"recover"``, ``"step_d"``, ``"step_g"``.
    old, new
        The values before and after; for an action, what it was given.
    reason : str
        Why, in the words of who changed it; may be empty.
    """

    seq: int
    iteration: int
    author: str
    source: str
    setting: str
    old: Any
    new: Any
    reason: str = ""

    def __getitem__(self, name: str) -> Any:
        if name not in _FIELDS:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(_FIELDS)

    def __len__(self) -> int:
        return len(_FIELDS)

    def as_dict(self) -> dict[str, Any]:
        """Return the record as a plain dictionary."""
        return asdict(self)


_FIELDS = tuple(f.name for f in fields(Intervention))


class InterventionLog:
    """The interventions of one run, in order; nothing is ever taken out.

    What is changed between two updates becomes one record per setting when the next update runs,
    and a value that was set and set back becomes none. Until then the records are provisional:
    :attr:`records` shows them, but they may still change.

    Parameters
    ----------
    in_force : mapping
        Every setting's value, by name, as things stand.
    """

    def __init__(self, in_force: Mapping[str, Any]) -> None:
        self._in_force = dict(in_force)
        self._asked: dict[str, tuple[str, str, str, Any]] = {}
        self._records: list[Intervention] = []

    def ask(self, setting: str, value: Any, author: str, source: str, reason: str) -> None:
        """Note that `setting` was given `value`, which the next update will obey."""
        if _same(value, self._in_force[setting]):
            self._asked.pop(setting, None)
        else:
            self._asked[setting] = author, source, reason, value

    def commit(self, iteration: int) -> bool:
        """Turn what was asked into records, in force after `iteration`; whether there was any."""
        if not self._asked:
            return False
        self._records.extend(self._provisional(iteration))
        self._in_force.update({name: asked[3] for name, asked in self._asked.items()})
        self._asked.clear()
        return True

    def act(
        self,
        iteration: int,
        action: str,
        value: Any,
        author: str,
        source: str,
        reason: str = "",
    ) -> None:
        """Record an action; repeated updates of one network in a row become one record."""
        self.commit(iteration)
        last = self._records[-1] if self._records else None
        if (
            last is not None
            and action in {"step_d", "step_g"}
            and (last.setting, last.iteration, last.author, last.source)
            == (action, iteration, author, source)
        ):
            self._records[-1] = replace(last, new=last.new + value)
            return
        self._records.append(
            Intervention(
                len(self._records), iteration, author, source, action, None, value, reason
            )
        )

    def records(self, iteration: int) -> list[Intervention]:
        """Return every record, the provisional ones last, for a run that stands at `iteration`."""
        return [*self._records, *self._provisional(iteration)]

    def _provisional(self, iteration: int) -> list[Intervention]:
        return [
            Intervention(
                seq, iteration, author, source, name, _plain(self._in_force[name]), _plain(value), reason
            )
            for seq, (name, (author, source, reason, value)) in enumerate(
                list(self._asked.items()), start=len(self._records)
            )
        ]

    def restore(self, records: list[Intervention], in_force: Mapping[str, Any]) -> None:
        """Continue the log of a saved run."""
        self._records = list(records)
        self._in_force = dict(in_force)
        self._asked.clear()


def _plain(value: Any) -> Any:
    """Return a setting's value as JSON can hold it; data that is no preset, by its type."""
    if isinstance(value, str | int | float) or _are_widths(value):
        return value
    return f"<{type(value).__name__}>"


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    comparable = isinstance(one, str | int | float) or _are_widths(one)
    return comparable and type(one) is type(other) and bool(one == other)


def _are_widths(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(entry, int) for entry in value)
