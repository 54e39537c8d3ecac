"""Sources of a comparison: trainers, sweeps, run folders and saved files."""

from __future__ import annotations

import functools
import glob
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from ganwidgets.errors import CheckpointError, CheckpointWarning
from ganwidgets.messages import Message
from ganwidgets.runs.record.places import Branch
from ganwidgets.runs.record.run_record import RunRecord
from ganwidgets.runs.timeline.copies import copy_of_tip
from ganwidgets.runs.timeline.records import record_here, record_of_branch
from ganwidgets.runs.timeline.timeline import Timeline
from ganwidgets.sweeps.lanes.lane import OwnParts
from ganwidgets.sweeps.run_view import SweepRun
from ganwidgets.sweeps.storage import FILE, read_sweep, records_of_file
from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["Found", "Origin", "Readable", "origins_of"]


Readable = GANTrainer | SweepRun
"""Objects with samples and figures."""


@dataclass(frozen=True)
class Found:
    """A run as read from its source.

    Attributes
    ----------
    name : str
        Preferred name, if no other run has it.
    record : RunRecord
    trainer : callable
        Returns a trainer, or a read-only equivalent, at the record's tip. Only this call reads tensors.
    """

    name: str
    record: RunRecord
    trainer: Callable[[], Readable]


class Origin(Protocol):
    """A source of runs."""

    def entries(self) -> Iterable[Found]:
        """Return the runs that exist now; warn of each that cannot be read, and leave it out."""


class InMemory:
    """A trainer at its current iteration."""

    def __init__(self, trainer: GANTrainer, name: str) -> None:
        self._trainer = trainer
        self._name = name

    def entries(self) -> Iterable[Found]:
        trainer = self._trainer
        record = trainer._between_steps(lambda: record_here(trainer._session))
        return [Found(self._name, record, lambda: trainer)]


class OfSweep:
    """A run of a sweep."""

    def __init__(self, run: SweepRun, name: str) -> None:
        self._run = run
        self._name = name

    def entries(self) -> Iterable[Found]:
        record: RunRecord = self._run._read(lambda lane: record_here(lane.session))
        return [Found(self._name, record, lambda: self._run)]


class OnBranch:
    """A branch of a run in memory."""

    def __init__(self, timeline: Timeline, branch: str) -> None:
        self._session = timeline._session
        self._between_steps: Callable[[Callable[[], Any]], Any] = timeline._between_steps
        self._branch = self._session.branches.named(branch).id
        self._name = branch

    def entries(self) -> Iterable[Found]:
        session, branch = self._session, self._branch
        record = self._between_steps(lambda: record_of_branch(session, branch))
        return [Found(self._name, record, self._at_tip)]

    def _at_tip(self) -> GANTrainer:
        """Return a copy of the run at the tip of the branch."""
        return GANTrainer._of(self._between_steps(lambda: copy_of_tip(self._session, self._branch)))


class Folder:
    """The branches of a run folder: the current one, or all if `every` is set."""

    def __init__(self, path: Path, name: str, branches: Iterable[str] | None) -> None:
        self._path = path
        self._name = name
        self._branches = branches
        self._seen: tuple[Any, ...] | None = None
        self._found: list[Found] = []

    def entries(self) -> Iterable[Found]:
        from ganwidgets.runs.folder.records import records_of_folder

        stamp = _stamp(self._path)
        if stamp != self._seen:
            records = records_of_folder(self._path)
            self._found = list(self._chosen(records))
            self._seen = stamp
        return self._found

    def _chosen(self, records: Mapping[str, RunRecord]) -> Iterator[Found]:
        wanted = [next(iter(records))] if self._branches is None else list(self._branches) or list(records)
        for name in wanted:
            if name not in records:
                raise CheckpointError(
                    Message(
                        "{path} has no branch {name!r}; there are {known}",
                        path=str(self._path),
                        name=name,
                        known=", ".join(records),
                    )
                )
            several = self._branches is not None and len(wanted) > 1
            label = f"{self._name}: {name}" if several else self._name
            yield Found(label, records[name], self._opener(name))

    def _opener(self, branch: str) -> Callable[[], GANTrainer]:
        def opened() -> GANTrainer:
            from ganwidgets.runs.folder.opening import look_at_session

            own = dict.fromkeys(("generator", "discriminator", "objective"))
            trainer = GANTrainer._of(look_at_session(self._path, None, own, torch.device("cpu")))
            if trainer.timeline.branch != branch:
                trainer.timeline.switch(branch)
            return trainer

        return opened


class File:
    """A saved file of one run or of a sweep."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._seen: tuple[Any, ...] | None = None
        self._records: dict[str, RunRecord] = {}
        self._trainers: dict[str, GANTrainer] = {}

    def entries(self) -> Iterable[Found]:
        stamp = _file_stamp(self._path)
        if not self._records or stamp != self._seen:
            self._records, self._seen, self._trainers = records_of_file(self._path), stamp, {}
        return [
            Found(f"{self._name}: {run}" if run else self._name, record, functools.partial(self._loaded, run))
            for run, record in self._records.items()
        ]

    def _loaded(self, run: str) -> GANTrainer:
        if not run:
            return GANTrainer.load(self._path)
        if not self._trainers:
            lanes = read_sweep(self._path, None, OwnParts(None, None, None), torch.device("cpu")).lanes
            self._trainers = dict(zip(self._records, (lane.trainer for lane in lanes), strict=True))
        return self._trainers[run]


class Pattern:
    """Every run folder and saved file that matches a glob pattern, including those created later."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._known: dict[str, Origin] = {}
        self._warned: set[tuple[str, str]] = set()

    def entries(self) -> Iterable[Found]:
        found: list[Found] = []
        # Path.glob takes no absolute pattern.
        for name in sorted(glob.glob(str(Path(self._pattern).expanduser())), key=_naturally):  # noqa: PTH207
            path = Path(name)
            if name not in self._known:
                origin = _stored(path, path.name)
                if origin is None:
                    continue
                self._known[name] = origin
            found += readable(self._known[name], self._warned)
        return found


def readable(origin: Origin, warned: set[tuple[str, str]]) -> Iterable[Found]:
    """Return the runs of `origin`, or none if they cannot be read; a warning names the reason once.

    Parameters
    ----------
    warned : set
        Warnings shown so far; a new one is added.
    """
    try:
        return origin.entries()
    except CheckpointError as error:
        sentence = Message("left out of the comparison: {error}", error=error.args[0])
        if (str(id(origin)), str(sentence)) not in warned:
            warned.add((str(id(origin)), str(sentence)))
            warnings.warn(sentence, CheckpointWarning, stacklevel=5)
        return []


def origins_of(runs: Iterable[Any]) -> list[Origin]:
    """Return the source for an argument of :func:`ganwidgets.compare`.

    Raises
    ------
    TypeError
        If the argument is not a trainer, has none, and is not a path.
    """
    given = list(runs)
    trainers = [trainer for run in given if (trainer := _trainer_of(run)) is not None]
    origins: list[Origin] = []
    for run in given:
        origins += _origins(run, trainers, len(origins), alone=len(given) == 1)
    return origins


def _origins(run: Any, trainers: list[GANTrainer], before: int, *, alone: bool) -> list[Origin]:
    trainer = _trainer_of(run)
    if trainer is not None and alone and len(trainer.timeline.branches) > 1:
        run = trainer.timeline
    elif trainer is not None:
        return [InMemory(trainer, trainer.run.name if trainer.run is not None else f"run {before + 1}")]
    if isinstance(run, str | os.PathLike):
        return [_at(os.fspath(run), alone=alone)]
    if isinstance(run, Timeline):
        return _branches(run)
    if isinstance(run, SweepRun):
        return [OfSweep(run, f"run {run.index}")]
    if isinstance(run, Branch):
        run = _trainer_with(run, trainers), run
    if isinstance(run, tuple) and len(run) == 2 and isinstance(run[1], str | Branch):
        return [_branch_of(run[0], run[1].name if isinstance(run[1], Branch) else run[1])]
    return _members(run, trainers, before)


def _members(run: Any, trainers: list[GANTrainer], before: int) -> list[Origin]:
    """Return the sources for an object that holds several runs."""
    if isinstance(run, Mapping):
        return [origin for name, one in run.items() for origin in _named(str(name), one)]
    futures = {name: getattr(run, name, None) for name in ("unchanged", "changed")}
    if all(isinstance(future, GANTrainer) for future in futures.values()):
        return [origin for name, future in futures.items() for origin in _named(name, future)]
    inner = getattr(run, "runs", run)
    if isinstance(inner, Iterable):
        return [o for n, one in enumerate(inner) for o in _origins(one, trainers, before + n, alone=False)]
    raise TypeError(
        Message(
            "{kind} cannot be compared; pass trainers, widgets, (trainer, branch), a trainer's timeline, sweeps, run "
            'folders, saved files, or a pattern such as "runs/*"',
            kind=type(run).__name__,
        )
    )


def _branches(timeline: Timeline) -> list[Origin]:
    return [OnBranch(timeline, name) for name in timeline.branches]


def _branch_of(run: Any, branch: str) -> Origin:
    trainer = _trainer_of(run)
    if trainer is not None:
        return OnBranch(trainer.timeline, branch)
    return Folder(Path(run).expanduser(), branch, [branch])


def _named(name: str, run: Any) -> list[Origin]:
    trainer = _trainer_of(run)
    if trainer is not None:
        return [InMemory(trainer, name)]
    if isinstance(run, str | os.PathLike):
        return [_place(Path(run).expanduser(), name, None)]
    return _origins(run, [], 0, alone=False)


def _at(path: str, *, alone: bool) -> Origin:
    if glob.has_magic(path):
        return Pattern(path)
    place = Path(path).expanduser()
    return _place(place, place.name, [] if alone else None)


def _place(path: Path, name: str, branches: Iterable[str] | None) -> Origin:
    """Return the source at a path: a saved file, a sweep's folder, or a run's folder with these branches."""
    if path.is_file():
        return File(path, name)
    if (path / FILE).is_file():
        return File(path / FILE, name)
    if not _is_run(path) and path.is_dir() and any(_is_run(inner) for inner in path.iterdir()):
        raise CheckpointError(
            Message(
                "{path} is not the folder of a run, but holds folders of runs; pass the pattern {pattern!r}",
                path=str(path),
                pattern=str(path / "*"),
            )
        )
    return Folder(path, name, branches)


def _stored(path: Path, name: str) -> Origin | None:
    """Return the source at a path that matched a pattern, or None if it is a folder without a run or a sweep."""
    known = path.is_file() or (path / FILE).is_file() or _is_run(path)
    return _place(path, name, None) if known else None


def _is_run(path: Path) -> bool:
    from ganwidgets.runs.store.layout import DATABASE

    return (path / DATABASE).exists()


def _stamp(path: Path) -> tuple[Any, ...]:
    """Return a value that changes with each commit to a run folder, without opening its database."""
    from ganwidgets.runs.store.commit_count import confirmed
    from ganwidgets.runs.store.layout import DATABASE

    return confirmed(path), _file_stamp(path / DATABASE)


def _file_stamp(path: Path) -> tuple[int, ...]:
    """Return a value that changes with the file's content; an empty tuple if the file does not exist."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ino


def _trainer_of(run: Any) -> GANTrainer | None:
    if isinstance(run, GANTrainer):
        return run
    trainer = getattr(run, "trainer", None)
    return trainer if isinstance(trainer, GANTrainer) else None


def _trainer_with(branch: Branch, trainers: Iterable[GANTrainer]) -> GANTrainer:
    for trainer in trainers:
        if any(known is branch for known in trainer.timeline.branches.values()):
            return trainer
    raise ValueError(
        Message(
            "branch {name!r} belongs to no trainer that is compared; pass (trainer, {name!r})",
            name=branch.name,
        )
    )


def _naturally(name: str) -> list[Any]:
    """Return a sort key that puts run 10 after run 9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
