"""The log of everything that people and rules changed in a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

__all__ = ["CODE", "Intervention", "InterventionLog", "Origin"]


@dataclass(frozen=True)
class Origin:
    """Where a change comes from; :class:`Intervention` explains the words."""

    author: str
    source: str
    reason: str = ""


CODE = Origin("cell", "code")


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
        The setting's name, or the action: ``"reset"``, ``"load"``, ``"step_d"``, ``"step_g"``.
    old, new
        The values before and after. For an action `old` is None and `new` what it was given: the
        seed of a reset, the iteration of a state that was loaded, the number of updates.
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

Mark = tuple[int, Intervention | None]
"""A place in a log: its length there, and the last record, to which updates may still be added."""


class InterventionLog:
    """The interventions of one run, in order.

    What is changed between two updates becomes one record per setting when the next update runs,
    and a value that was set and set back becomes none. Until then the records are provisional:
    :meth:`records` shows them, but they may still change.

    Parameters
    ----------
    in_force : mapping
        Every setting's value, by name, as things stand.
    """

    def __init__(self, in_force: Mapping[str, Any]) -> None:
        self._in_force = dict(in_force)
        self._asked: dict[str, tuple[Origin, Any]] = {}
        self._records: list[Intervention] = []

    @property
    def pending(self) -> bool:
        """Whether anything was asked that the next update will be the first to obey."""
        return bool(self._asked)

    def ask(self, setting: str, value: Any, origin: Origin) -> None:
        """Note that `setting` was given `value`, which the next update will obey."""
        if _same(value, self._in_force[setting]):
            self._asked.pop(setting, None)
        else:
            self._asked[setting] = origin, value

    def commit(self, iteration: int) -> None:
        """Turn what was asked into records, in force after `iteration`."""
        # All three by one call, so that an interrupt finds them as they were or as they will be.
        vars(self).update(
            _records=self.records(iteration),
            _in_force={**self._in_force, **{name: value for name, (_, value) in self._asked.items()}},
            _asked={},
        )

    def act(self, iteration: int, action: str, value: Any, origin: Origin) -> None:
        """Record an action; repeated updates of one network in a row become one record."""
        made = Intervention(
            len(self._records),
            iteration,
            origin.author,
            origin.source,
            action,
            None,
            value,
            origin.reason,
        )
        last = self._records[-1] if self._records else None
        if (
            last is not None
            and action in {"step_d", "step_g"}
            and replace(last, new=value) == replace(made, seq=last.seq)
        ):
            self._records[-1] = replace(last, new=last.new + value)
        else:
            self._records.append(made)

    def records(self, iteration: int) -> list[Intervention]:
        """Return every record, the provisional ones last, for a run that stands at `iteration`."""
        return [*self._records, *self._provisional(iteration)]

    def _provisional(self, iteration: int) -> list[Intervention]:
        return [
            Intervention(
                seq,
                iteration,
                origin.author,
                origin.source,
                name,
                _plain(self._in_force[name]),
                _plain(value),
                origin.reason,
            )
            for seq, (name, (origin, value)) in enumerate(list(self._asked.items()), len(self._records))
        ]

    # --- back, and on disk ----------------------------------------------------------------------

    def mark(self) -> Mark:
        """Return the place that the log has reached, for :meth:`rewind`."""
        return len(self._records), self._records[-1] if self._records else None

    def rewind(self, mark: Mark) -> None:
        """Take out what was recorded since `mark`; what is provisional stays."""
        length, last = mark
        del self._records[length:]
        if last is not None:
            self._records[-1] = last

    def stored(self) -> dict[str, Any]:
        """Return the log as plain values."""
        return {
            "records": [record.as_dict() for record in self._records],
            "asked": [
                {"setting": name, "old": _plain(self._in_force[name]), "origin": asdict(origin)}
                for name, (origin, _) in self._asked.items()
            ],
        }

    def restore(self, stored: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Go on with a log that :meth:`stored` described, of a run that has these `settings`."""
        asked = stored["asked"]
        self._records = [
            Intervention(**{name: _value(entry) for name, entry in record.items()})
            for record in stored["records"]
        ]
        self._in_force = {**settings, **{entry["setting"]: _value(entry["old"]) for entry in asked}}
        self._asked = {
            entry["setting"]: (Origin(**entry["origin"]), settings[entry["setting"]]) for entry in asked
        }


def _plain(value: Any) -> Any:
    """Return a setting's value as JSON can hold it; data that is no preset, by its type."""
    if isinstance(value, str | int | float) or _are_widths(value):
        return value
    return f"<{type(value).__name__}>"


def _value(plain: Any) -> Any:
    """Return a setting's value from what JSON made of it: widths are tuples."""
    return tuple(plain) if isinstance(plain, list) else plain


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    comparable = isinstance(one, str | int | float) or _are_widths(one)
    return comparable and type(one) is type(other) and bool(one == other)


def _are_widths(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(entry, int) for entry in value)
