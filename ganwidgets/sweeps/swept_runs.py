"""Base of a sweep: its runs, their groups, and read access."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar, overload

import torch
from torch import Tensor
from traitlets import TraitError

from ganwidgets.messages import Message, N_
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.settings import SETTINGS
from ganwidgets.stepping.runtime.ambient import under_pinned_modes
from ganwidgets.sweeps.acts import Act
from ganwidgets.sweeps.cluster.workers import Cluster, RemoteGroup
from ganwidgets.sweeps.lanes.group import LaneGroup
from ganwidgets.sweeps.lanes.grouping import group_key
from ganwidgets.sweeps.lanes.lane import Lane, OwnParts
from ganwidgets.sweeps.run_view import SweepRun
from ganwidgets.sweeps.search.configurations import checked_changes
from ganwidgets.sweeps.storage import SweepFolder

__all__ = ["Mark", "SweptRuns", "between_steps", "refuse_fresh_start"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

Group = LaneGroup | RemoteGroup


def between_steps(method: F) -> F:
    """Decorate a method of a sweep to run between two steps if another thread steps the sweep."""

    @functools.wraps(method)
    def call(self: SweptRuns, *args: Any, **kwargs: Any) -> Any:
        return self._between_steps(lambda: method(self, *args, **kwargs))

    return call  # type: ignore[return-value]


class Mark(NamedTuple):
    """A run before an action.

    Attributes
    ----------
    run : int
        Its number.
    lane : Lane
    alive : bool
        True if it took steps.
    settings : dict
    """

    run: int
    lane: Lane
    alive: bool
    settings: dict[str, Any]


class SweptRuns:
    """Several runs, in groups that are computed together."""

    @under_pinned_modes
    def _begin(
        self,
        lanes: list[Lane],
        varied: list[str],
        acts: list[Act],
        own: OwnParts,
        device: Any,
        cluster: Cluster | None,
    ) -> None:
        self._lanes, self._varied, self._acts = lanes, varied, acts
        self._own, self._device, self._cluster = own, device, cluster
        self._groups: list[Group] | None = None
        self._stepping = False
        self._at_once = 8
        self._folder: SweepFolder | None = None
        self._dispatch: Callable[[Callable[[], Any]], Any] | None = None
        self._shown_by: Callable[[], Any] | None = None
        for index in range(len(lanes)):
            self._route(index)

    def _advance(self, n: int, *, last: bool) -> None:
        ended = self._ended(n, last=last)
        if ended:
            self._regroup()  # after every group has taken its steps
            for lane in (lane for group in ended for lane in group.lanes if not lane.alive):
                self._act(lane.status, [self._lanes.index(lane)], reason=lane.error)
        if self._folder is not None:
            self._folder.changed()

    def _ended(self, n: int, *, last: bool) -> list[Group]:
        """Carry out `n` full steps in every group; return the groups with a run that ended."""
        groups = self._grouped()
        try:
            remote = [group for group in groups if isinstance(group, RemoteGroup)]
            for group in remote:
                group.begin(n, last=last)
            for group in remote:  # before results are applied, so that an error changes no run
                group.wait(n, last=last)
            return [group for group in groups if group.step(n, last=last)]
        except BaseException:
            if self._cluster is not None:
                self._regroup()  # a worker may be ahead of the states in this process
            raise

    def _grouped(self) -> list[Group]:
        if self._groups is not None and any(group.pending for group in self._groups):
            self._regroup()
        if self._groups is None:
            by_key: dict[Any, list[Lane]] = {}
            for lane in self._lanes:
                if lane.alive:
                    by_key.setdefault(group_key(lane.session), []).append(lane)
            self._groups = [group for lanes in by_key.values() for group in self._groups_of(lanes)]
        return self._groups

    def _groups_of(self, lanes: list[Lane]) -> Sequence[Group]:
        return [LaneGroup(lanes)] if self._cluster is None else self._cluster.groups(lanes)

    def _regroup(self) -> None:
        """Copy all results to the runs' own states; the next step groups the runs anew."""
        for group in self._groups or []:
            group.write_all()
        self._groups = None

    def _lanes_up_to_date(self) -> list[Lane]:
        for group in self._groups or []:
            group.write_all()
        return self._lanes

    def _up_to_date(self, index: int) -> Lane:
        lane = self._lanes[index]
        for group in self._groups or []:
            if lane in group.lanes:
                group.write(lane)
        return lane

    def _samples(self, n: int, seed: int) -> list[Tensor]:
        """Return `n` samples of every run in display units, from equal latents for equal sizes."""
        found: dict[int, Tensor] = {}
        for group in self._groups or []:
            made = group.samples(n, torch.Generator().manual_seed(seed))
            found |= {id(lane): samples for lane, samples in zip(group.lanes, made, strict=True)}
        return [
            found[id(lane)] if id(lane) in found else lane.shown(n, torch.Generator().manual_seed(seed))
            for lane in self._lanes
        ]

    def _iteration(self, index: int) -> int:
        lane = self._lanes[index]
        for group in self._groups or []:
            if lane in group.lanes:
                return group.iteration(lane)
        return lane.session.state.iteration

    @property
    def groups(self) -> tuple[tuple[tuple[int, ...], str], ...]:
        """The runs of each group, and why they are computed one after another (empty if together)."""
        return self._between_steps(
            lambda: tuple(
                (tuple(self._lanes.index(lane) for lane in group.lanes), str(group.why_alone))
                for group in self._grouped()
            )
        )

    # --- runs -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._lanes)

    def __iter__(self) -> Iterator[SweepRun]:
        return iter(self.runs)

    @overload
    def __getitem__(self, index: int) -> SweepRun: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[SweepRun, ...]: ...

    def __getitem__(self, index: int | slice) -> SweepRun | tuple[SweepRun, ...]:
        return self.runs[index] if isinstance(index, slice) else self.runs[self._index(index)]

    @property
    def runs(self) -> tuple[SweepRun, ...]:
        """All runs. Seeds vary fastest, then the last setting of the grid."""
        return tuple(self._view(index) for index in range(len(self._lanes)))

    def _view(self, index: int) -> SweepRun:
        return SweepRun(
            index,
            lambda function: self._between_steps(lambda: function(self._up_to_date(index))),
            lambda: self._iteration(index),
            self,
        )

    def _index(self, index: Any) -> int:
        if isinstance(index, SweepRun):
            if index._sweep is not self:
                raise ValueError(
                    Message(
                        "{run} belongs to another sweep; pass the number of a run of this one",
                        run=repr(index),
                    )
                )
            index = index.index
        if isinstance(index, bool) or not hasattr(index, "__index__"):
            raise TypeError(
                Message(
                    "a run is named by its number from 0 to {last}, not by {value!r}",
                    value=index,
                    last=len(self._lanes) - 1,
                )
            )
        number = int(index)
        if not -len(self._lanes) <= number < len(self._lanes):
            raise IndexError(
                Message(
                    "there is no run {i}; the sweep has runs 0 to {last}", i=number, last=len(self._lanes) - 1
                )
            )
        return number % len(self._lanes)

    @property
    def iteration(self) -> int:
        """Full steps of the most advanced run."""
        return max(self._iteration(index) for index in range(len(self._lanes)))

    @property
    def varied(self) -> tuple[str, ...]:
        """The settings, except seeds, that differ between runs."""
        named = list(self._varied)
        tables = [lane.session.settings.as_dict() for lane in self._lanes]
        for name in SETTINGS:
            if name not in (*named, "seed", "data") and any(t[name] != tables[0][name] for t in tables):
                named.append(name)
        return tuple(named)

    @property
    def acts(self) -> tuple[Act, ...]:
        """Actions on the sweep and ends of runs, in order."""
        return tuple(self._acts)

    def _act(
        self,
        action: str,
        runs: list[int],
        *,
        source: int | None = None,
        changes: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        iterations = tuple(self._iteration(index) for index in runs)
        act = Act(len(self._acts), action, tuple(runs), iterations, source, changes or {}, str(reason))
        self._acts = [*self._acts, act]

    @between_steps
    def change(self, runs: int | Iterable[int] | None = None, reason: str = "", **settings: Any) -> None:
        """Change settings of some runs, or of all; on any error nothing changes.

        Parameters
        ----------
        runs : int, SweepRun, or iterable of them, optional
            Run numbers; all runs by default.
        reason : str
            Stored in the logs.
        **settings
            New values by name; they take effect at the next step.

        Raises
        ------
        traitlets.TraitError
            If a setting is not allowed in one of the runs, or takes effect only at a fresh start.
        """
        numbers = range(len(self._lanes)) if runs is None else runs if isinstance(runs, Iterable) else [runs]
        indices = [self._index(number) for number in numbers]
        checked = checked_changes("Sweep.change", settings)
        if not (indices and checked):
            return
        refuse_fresh_start(checked, N_("begin a run afresh with sweep.respawn(i, ...)"))
        for index in indices:
            self._lanes[index].session.settings.checked(checked)
        for index in indices:
            self._up_to_date(index).session.change(checked, replace(CODE, reason=reason))
        self._act("change", indices, changes=checked, reason=reason)

    def _marked(self, indices: Iterable[int]) -> list[Mark]:
        """Return what :meth:`_put_back` needs to undo an action on these runs."""
        lanes = [(index, self._lanes[index]) for index in indices]
        return [Mark(i, lane, lane.alive, lane.session.settings.as_dict()) for i, lane in lanes]

    @between_steps
    def _put_back(self, marks: Iterable[Mark], names: Iterable[str]) -> None:
        """Undo an action: put replaced runs back, continue stopped ones, and restore the settings `names`."""
        self._regroup()
        indices = []
        for index, lane, alive, before in marks:
            indices.append(index)
            if self._lanes[index] is not lane:
                self._lanes[index] = lane
                self._route(index)
            elif alive and lane.status == "stopped":
                lane.status = "running" if lane.session.state.iteration else "new"
            settings = lane.session.settings.as_dict()
            changes = {name: before[name] for name in names if settings[name] != before[name]}
            if changes:
                lane.session.change(changes, replace(CODE, reason="undo"))
        self._act("undo", indices)
        if self._folder is not None:
            self._folder.changed()

    def _route(self, index: int) -> None:
        """Route an assignment to a setting of a run through :meth:`change`."""

        def route(values: dict[str, Any], reason: str) -> bool:
            self.change(index, reason, **values)
            return True

        self._lanes[index].session.settings.__dict__["_route"] = route

    # --- for a runner in another thread ---------------------------------------------------------

    def _attach(self, dispatch: Callable[[Callable[[], Any]], Any] | None) -> None:
        """Route calls through `dispatch`, which calls a function between two steps; None removes it."""
        self._dispatch = dispatch

    def _between_steps(self, function: Callable[[], T]) -> T:
        if self._dispatch is None:
            return function()
        result: T = self._dispatch(function)
        return result


def refuse_fresh_start(changes: Mapping[str, Any], remedy: str) -> None:
    """Raise `TraitError` if one of the settings takes effect only at a fresh start."""
    for name in changes:
        if SETTINGS[name].effect == "fresh start":
            raise TraitError(
                Message(
                    "{name} takes effect at a fresh start alone; {remedy}",
                    name=name,
                    remedy=Message(remedy),
                )
            )
