"""Log of all changes to a run by people and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

__all__ = [
    "CODE",
    "CONTINUOUS",
    "EDIT",
    "SWITCH",
    "Intervention",
    "InterventionLog",
    "LogMark",
    "Origin",
    "gathered",
    "is_update",
]

from ganwidgets.validation import checked_text


@dataclass(frozen=True)
class Origin:
    """Origin of a change; :class:`Intervention` explains the fields."""

    author: str
    source: str
    reason: str = ""
    change: int = 0
    """Group number: settings changed under one number are undone together; under 0 each is undone alone."""

    def __post_init__(self) -> None:
        # No stored run that holds another type could be read again.
        object.__setattr__(self, "reason", checked_text("reason", self.reason))


CODE = Origin("cell", "code")

HASHED_AT_ONCE, HASHED_EVERY = 16, 32
"""Number of records with a hash of the state before them; later one for each `HASHED_EVERY` iterations.

A hash reads the whole state. At a change in every step it took four times as long as the steps themselves.
"""

EDIT = "edit"
"""Action: the user edited networks by hand; `new` describes the edit."""

SWITCH = "switch_stepper"
"""Action: compiled steps begin or end; `new` is :attr:`TrainingState.stepper`, or ``"eager"``."""

CONTINUOUS = "continuous rule"
"""Source of a regulating rule; see :func:`gathered`."""

UPDATE = "step_"
"""Prefix of the action for updates of one player, followed by its letter; `new` is their number."""


def is_update(name: str) -> bool:
    """Return True if a setting or action is the update of one player.

    >>> is_update("step_d"), is_update("step_size"), is_update("d_steps")
    (True, False, False)
    """
    return name.startswith(UPDATE) and len(name) == len(UPDATE) + 1


@dataclass(frozen=True)
class Intervention(Mapping[str, Any]):
    """One change of one setting, or one action such as a reset; readable as a mapping too.

    Attributes
    ----------
    seq : int
        Its number in the whole run, all branches together, from 0.
    iteration : int
        The iteration after which it took effect, at the next update.
    author : str
        Author: ``"user"`` (by a control), ``"cell"`` (by code), ``"rule"`` or ``"compiler"``.
    source : str
        Channel: ``"widget"``, ``"code"`` or ``"rule"``.
    setting : str
        The setting's name, or the action: ``"reset"``, ``"load"``, ``"step_<letter>"``, ``"edit"``,
        ``"switch_stepper"``.
    old, new
        The values before and after. For an action `old` is None and `new` its argument: the seed of a reset, the
        iteration of a loaded state, the number of updates.
    reason : str
        The author's reason; may be empty.
    branch : int
        The `id` of its branch. A reset, and changes that take effect with it, belong to the branch that it begins.
    samples_seen : int
        Real samples drawn before it took effect.
    hash_before : str
        The hash of the whole state just before it took effect. Empty while the record is provisional, and for some
        of many changes in close succession; see :meth:`InterventionLog.hash_due`.
    """

    seq: int
    iteration: int
    author: str
    source: str
    setting: str
    old: Any
    new: Any
    reason: str = ""
    branch: int = 0
    samples_seen: int = 0
    hash_before: str = ""

    def __getitem__(self, name: str) -> Any:
        if name not in _FIELDS:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(_FIELDS)

    def __len__(self) -> int:
        return len(_FIELDS)

    def __repr__(self) -> str:
        change = f"{self.old!r} -> {self.new!r}" if self.old is not None else repr(self.new)
        why = f", {self.reason!r}" if self.reason else ""
        line = f"{self.seq}: {self.setting} {change} after iteration {self.iteration}, by {self.author}{why}"
        return f"<Intervention {line if len(line) <= 160 else line[:157] + '...'}>"

    def as_dict(self) -> dict[str, Any]:
        """Return the record as a plain dictionary."""
        return asdict(self)


def gathered(records: Sequence[Intervention]) -> list[Intervention]:
    """Return `records` with all changes by a regulating rule merged, at the place of the first.

    It has the old value of the first and the new one of the last, and its reason says how many there were until when.
    Another change of that setting in between begins a new one. Undoing it undoes the first, and so all of them.
    """
    listed: list[Intervention] = []
    open_at: dict[str, tuple[int, int, str]] = {}
    for record in records:
        begun = open_at.get(record.setting)
        if record.source != CONTINUOUS:
            open_at.pop(record.setting, None)
            listed.append(record)
        elif begun is None or begun[2] != record.reason or listed[begun[0]].branch != record.branch:
            open_at[record.setting] = len(listed), 1, record.reason
            listed.append(replace(record, source="rule"))
        else:
            place, writes, reason = begun
            open_at[record.setting] = place, writes + 1, reason
            text = f"{reason}, {writes + 1} times until iteration {record.iteration}"
            listed[place] = replace(listed[place], new=record.new, reason=text)
    return listed


_FIELDS = tuple(f.name for f in fields(Intervention))


class LogMark(NamedTuple):
    """A position in the log, for :meth:`InterventionLog.rewind`."""

    length: int
    lineage: list[int]
    """Immutable: replaced as a whole."""
    last: Intervention | None
    """The last record, to which further updates may be added."""


class InterventionLog:
    """The interventions of one run, in order.

    Changes between two updates become one record per setting when the next update runs. A value that is set and
    set back becomes no record. Until then records are provisional: :meth:`records` returns them, but they may change.

    Records of all branches are kept by number. The *lineage* lists the numbers of those on the path to the current
    place.

    Parameters
    ----------
    in_force : mapping
        Every setting's current value, by name.

    Attributes
    ----------
    branch : int
        The branch that new records belong to.
    """

    def __init__(self, in_force: Mapping[str, Any]) -> None:
        self._in_force = dict(in_force)
        self._asked: dict[str, tuple[Origin, Any]] = {}
        self._all: list[Intervention] = []
        # The new values themselves, in the same order: a record holds what JSON can hold.
        self._values: list[Any] = []
        self._lineage: list[int] = []
        self._complete = 0
        self._hashed = 0
        self.branch = 0

    @property
    def pending(self) -> bool:
        """True if a change is pending for the next update."""
        return bool(self._asked)

    @property
    def in_force(self) -> Mapping[str, Any]:
        """Every setting's value without pending changes; replaced, never mutated."""
        return self._in_force

    @property
    def asked(self) -> Mapping[str, tuple[Origin, Any]]:
        """Pending changes of settings by name, in order of assignment."""
        return dict(self._asked)

    @property
    def everything(self) -> list[Intervention]:
        """The records of all branches by number, without pending ones."""
        return list(self._all)

    @property
    def lineage(self) -> list[int]:
        """The numbers of the records on the path to the current state."""
        return list(self._lineage)

    @property
    def stamp(self) -> tuple[object, ...]:
        """Objects whose identity changes with the records or the lineage."""
        return self._all, self._lineage, self._all[-1] if self._all else None

    @property
    def next_seq(self) -> int:
        """The smallest number above those of the lineage."""
        return self._lineage[-1] + 1 if self._lineage else 0

    @property
    def repeated(self) -> int:
        """Number of updates in the last record of the lineage; 0 if it is no update."""
        if not self._lineage:
            return 0
        last = self._all[self._lineage[-1]]
        return last.new if is_update(last.setting) else 0

    def value(self, seq: int) -> Any:
        """Return the new value of record `seq`."""
        return self._values[seq]

    def next_change(self) -> int:
        """Return the number of the next group of changes."""
        return 1 + max((origin.change for origin, _ in self._asked.values()), default=0)

    def ask(self, setting: str, value: Any, origin: Origin) -> None:
        """Record that `setting` was set to `value`, for the next update.

        A repeated change of a pending setting joins the group of the earlier one with all its settings, so that no
        part of an atomic change is undone without the rest.
        """
        before, _ = self._asked.get(setting, (origin, None))
        asked = {
            name: (replace(of, change=origin.change) if of.change == before.change != 0 else of, wanted)
            for name, (of, wanted) in self._asked.items()
        }
        if _same(value, self._in_force[setting]):
            asked.pop(setting, None)
        else:
            asked[setting] = origin, value
        self._asked = asked

    def together_with(self, setting: str) -> dict[str, Any]:
        """Return the values of all settings changed in the same group as `setting`."""
        change = self._asked[setting][0].change
        return {
            name: self._in_force[name]
            for name, (origin, _) in self._asked.items()
            if name == setting or origin.change == change != 0
        }

    def commit(self, iteration: int, samples_seen: int = 0, hash_before: str = "") -> None:
        """Convert pending changes to records, in force after `iteration`."""
        made = self._provisional(iteration, samples_seen, hash_before)
        # All by one call, so that an interrupt finds them as they were or as they will be.
        vars(self).update(
            _all=[*self._all, *made],
            _values=[*self._values, *(value for _, value in self._asked.values())],
            _lineage=[*self._lineage, *(record.seq for record in made)],
            _in_force={**self._in_force, **{name: value for name, (_, value) in self._asked.items()}},
            _asked={},
            _hashed=self._hashed + (len(made) if hash_before else 0),
        )

    def hash_due(self, iteration: int, samples_seen: int) -> bool:
        """Return True if records made after `iteration` need a hash of the state before them.

        The answer depends on the records alone, so that a run that is repeated holds the same. A change at the place
        of the last one always has one: without it, the two would be indistinguishable.
        """
        if self._hashed < HASHED_AT_ONCE + iteration // HASHED_EVERY or not self._lineage:
            return True
        last = self._all[self._lineage[-1]]
        here = last.branch, last.iteration, last.samples_seen
        return not is_update(last.setting) and here == (self.branch, iteration, samples_seen)

    def act(
        self,
        iteration: int,
        action: str,
        value: Any,
        origin: Origin,
        samples_seen: int = 0,
        hash_before: str = "",
    ) -> None:
        """Record an action; consecutive updates of one network become one record."""
        if self.repeats(iteration, action, origin):
            last = self._all[-1]
            self._all[-1] = replace(last, new=last.new + value)
            return
        seq = len(self._all)
        made = Intervention(
            seq,
            iteration,
            origin.author,
            origin.source,
            action,
            None,
            value,
            origin.reason,
            self.branch,
            samples_seen,
            hash_before,
        )
        vars(self).update(
            _all=[*self._all, made],
            _values=[*self._values, value],
            _lineage=[*self._lineage, seq],
            _hashed=self._hashed + bool(hash_before),
        )

    def repeats(self, iteration: int, action: str, origin: Origin) -> bool:
        """Return True if an action is added to the last record."""
        if not is_update(action) or len(self._all) <= self._complete:
            return False
        last = self._all[-1]
        last_action = last.iteration, last.setting, last.author, last.source, last.reason, last.branch
        return last_action == (iteration, action, origin.author, origin.source, origin.reason, self.branch)

    def seal(self) -> None:
        """Close the last record, because another object refers to it."""
        self._complete = len(self._all)

    def records(self, iteration: int, samples_seen: int = 0) -> list[Intervention]:
        """Return the lineage's records, pending ones last, for a run at `iteration`."""
        everything = self._all
        # Read from another thread, the lineage may have grown since.
        known = [everything[seq] for seq in self._lineage if seq < len(everything)]
        return known + self.provisional(iteration, samples_seen)

    def provisional(self, iteration: int, samples_seen: int = 0) -> list[Intervention]:
        """Return the pending records of a run at `iteration`."""
        return self._provisional(iteration, samples_seen, "")

    def _provisional(self, iteration: int, samples_seen: int, hash_before: str) -> list[Intervention]:
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
                self.branch,
                samples_seen,
                hash_before,
            )
            for seq, (name, (origin, value)) in enumerate(list(self._asked.items()), len(self._all))
        ]

    # --- back, elsewhere, and on disk -----------------------------------------------------------

    def mark(self) -> LogMark:
        """Return the current position of the log, for :meth:`rewind`."""
        return LogMark(len(self._all), self._lineage, self._all[-1] if self._all else None)

    def rewind(self, mark: LogMark) -> None:
        """Remove records since `mark` on this branch; pending changes stay."""
        records = self._all[: mark.length]
        if mark.last is not None:
            records[-1] = mark.last
        vars(self).update(
            _all=records,
            _values=self._values[: mark.length],
            _lineage=mark.lineage,
            _hashed=_hashed(records, mark.lineage),
        )

    def move_to(
        self,
        branch: int,
        lineage: Sequence[int],
        in_force: Mapping[str, Any],
        asked: Mapping[str, tuple[Origin, Any]],
    ) -> None:
        """Move to another place: that branch, after these records, with these settings."""
        vars(self).update(
            branch=branch,
            _lineage=list(lineage),
            _in_force=dict(in_force),
            _asked=dict(asked),
            _complete=len(self._all),
            _hashed=_hashed(self._all, lineage),
        )

    def recall(self, records: Sequence[Intervention], values: Sequence[Any]) -> None:
        """Restore the records of all branches; :meth:`move_to` selects those of the current path."""
        vars(self).update(_all=list(records), _values=list(values))

    def restore(
        self,
        records: Sequence[Intervention],
        in_force: Mapping[str, Any],
        asked: Mapping[str, tuple[Origin, Any]],
    ) -> None:
        """Restore the log of a run with one branch: its records, its settings in force and pending ones."""
        self.recall(records, [record.new for record in records])
        self.move_to(0, range(len(records)), in_force, asked)


def _hashed(records: Sequence[Intervention], lineage: Sequence[int]) -> int:
    return sum(bool(records[seq].hash_before) for seq in lineage)


def _plain(value: Any) -> Any:
    """Return a setting's value as JSON; the type's name for data that is not a preset."""
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
