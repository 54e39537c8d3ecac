"""Many runs at once: the sweep that users hold."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from traitlets import TraitError

from ganwidgets.data import DATA_OPTIONS, Source, dataset
from ganwidgets.data.load import load_data
from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message, N_
from ganwidgets.metrics import METRICS
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.runs.state.state_tree import is_preset
from ganwidgets.settings import SETTINGS, check_names
from ganwidgets.stepping.ambient import under_pinned_modes
from ganwidgets.stepping.devices import chosen_device
from ganwidgets.sweeps.acts import Act
from ganwidgets.sweeps.configurations import KEYWORDS, checked_changes, expanded
from ganwidgets.sweeps.grouping import group_key
from ganwidgets.sweeps.lane import Lane, OwnParts, fresh
from ganwidgets.sweeps.lane_group import LaneGroup
from ganwidgets.sweeps.run_view import SweepRun
from ganwidgets.sweeps.storage import SweepFolder, file_of, read_sweep, write_sweep
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.validation import checked_count

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sweep"]

AT_ONCE = 100
"""Steps that a batch of runs takes in one piece; an interrupt undoes at most so many."""

STATE_FORMAT = 1

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def between_steps(method: F) -> F:
    """Let a method of a sweep be carried out between two steps, if another thread steps the sweep."""

    @functools.wraps(method)
    def call(self: Sweep, *args: Any, **kwargs: Any) -> Any:
        return self._between_steps(lambda: method(self, *args, **kwargs))

    return call  # type: ignore[return-value]


class Sweep:
    """Trains many GANs at once, which differ in settings or seeds.

    Runs whose code and shapes are equal are computed together, as batched products; see
    :mod:`ganwidgets.sweeps.lane_engine` for how closely each follows the same run alone. Others form groups of their
    own, which take turns. A run whose numbers are no longer finite is stopped at its last good state; the others go on
    with the same bits.

    Parameters
    ----------
    data
        Anything that :class:`GANTrainer` takes.
    configurations : sequence of mapping, optional
        Settings of each configuration, instead of a grid.
    seeds : int or sequence of int, optional
        Seeds 0 to n - 1, or these: each configuration runs with every one. By default the one of ``seed``.
    draws : int, optional
        Configurations drawn at random from lists and from :func:`ganwidgets.between`, instead of the whole grid.
    draw_seed : int
        Of these draws.
    generator, discriminator : nn.Module or callable, optional
        Networks of the user's own: a module that every run copies, or a function that returns a new one.
    objective : Objective, optional
        See :class:`GANTrainer`.
    device : str or torch.device
    run : path, optional
        A folder in which the sweep is kept while it goes on; :meth:`load` goes on with it.
    **settings
        Any setting by name: a value for all runs, or a list of values, whose product is the grid. Widths such as
        ``g_hidden`` are tuples, so that several are a list of tuples.

    Raises
    ------
    traitlets.TraitError
        For an unknown name, or a value that is not allowed.
    DataError
        For data or networks that cannot be trained.
    CheckpointError
        If the folder `run` holds something already, or cannot be written to.

    Examples
    --------
    >>> sweep = Sweep("ring8", lr_g=[1e-3, 2e-3], lr_d=[1e-3, 2e-3], seeds=2)
    >>> len(sweep)
    8
    >>> sweep.step(5)
    >>> sweep.runs[3].iteration, sweep.runs[3].settings.lr_d
    (5, 0.002)
    """

    def __init__(
        self,
        data: Any = "gaussians",
        *,
        configurations: Iterable[Mapping[str, Any]] | None = None,
        seeds: Any = None,
        draws: int | None = None,
        draw_seed: int = 0,
        generator: Any = None,
        discriminator: Any = None,
        objective: Any = None,
        device: Any = "cpu",
        run: str | os.PathLike[str] | None = None,
        **settings: Any,
    ) -> None:
        check_names(settings, "Sweep", also=(*KEYWORDS, *DATA_OPTIONS))
        options = {name: settings.pop(name) for name in DATA_OPTIONS if name in settings}
        varied, chosen = expanded(settings, configurations, seeds, draws, draw_seed)
        if options:
            data = dataset(data, **options)
        elif not (isinstance(data, Source) or (isinstance(data, str) and is_preset(data))):
            data = load_data(data)  # once for all runs
        own = OwnParts(generator, discriminator, objective)
        place = chosen_device(device)
        lanes = [Lane(fresh(data, own, place, each)) for each in chosen]
        self._begin(lanes, varied, [], own, place)
        if run is not None:
            self._keep(Path(run).expanduser(), new=True)

    @under_pinned_modes
    def _begin(self, lanes: list[Lane], varied: list[str], acts: list[Act], own: OwnParts, device: Any) -> None:
        self._lanes, self._varied, self._acts = lanes, varied, acts
        self._own, self._device = own, device
        self._groups: list[LaneGroup] | None = None
        self._stepping = False
        self._folder: SweepFolder | None = None
        self._dispatch: Callable[[Callable[[], Any]], Any] | None = None
        for index in range(len(lanes)):
            self._route(index)

    def _keep(self, folder: Path, *, new: bool) -> None:
        self._folder = SweepFolder(
            folder, lambda file: write_sweep(file, self._lanes_up_to_date(), self._varied, self._acts), new=new
        )
        self._folder.changed()

    # --- steps ----------------------------------------------------------------------------------

    @between_steps
    def step(self, n: int = 1, *, progress: bool = False) -> None:
        """Carry out `n` full steps in every run that has not ended.

        Parameters
        ----------
        n : int
        progress : bool
            Show a bar while it goes on.

        Raises
        ------
        RuntimeError
            If every run has ended, or the call comes from inside a step.
        """
        n = checked_count(n)
        if self._stepping:
            raise RuntimeError(Message("the sweep is in the middle of a step; a callback cannot step it"))
        if n and not any(lane.alive for lane in self._lanes):
            raise RuntimeError(
                Message(
                    "no run is left to step: all {n} have ended; sweep.respawn(i) begins one again",
                    n=len(self._lanes),
                )
            )
        bar = _bar(n) if progress else None
        self._stepping = True
        try:
            for done in range(0, n, AT_ONCE):
                count = min(AT_ONCE, n - done)
                self._advance(count, last=done + count == n)
                if bar is not None:
                    bar.update(count)
                if not any(lane.alive for lane in self._lanes):
                    break
        finally:
            self._stepping = False
            if bar is not None:
                bar.close()

    def _advance(self, n: int, *, last: bool) -> None:
        for group in self._grouped():
            if group.step(n, last=last):
                self._note_ends(group)
        if self._folder is not None:
            self._folder.changed()

    def _note_ends(self, group: LaneGroup) -> None:
        for lane in group.lanes:
            if not lane.alive:
                index = self._lanes.index(lane)
                self._act(lane.status, [index], reason=lane.error)
        self._regroup()

    def _grouped(self) -> list[LaneGroup]:
        if self._groups is not None and any(group.pending for group in self._groups):
            self._regroup()
        if self._groups is None:
            by_key: dict[Any, list[Lane]] = {}
            for lane in self._lanes:
                if lane.alive:
                    by_key.setdefault(group_key(lane.session), []).append(lane)
            self._groups = [LaneGroup(lanes) for lanes in by_key.values()]
        return self._groups

    def _regroup(self) -> None:
        """Write everything into the runs' own states; the next step forms groups anew."""
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

    def _iteration(self, index: int) -> int:
        lane = self._lanes[index]
        for group in self._groups or []:
            if lane in group.lanes:
                return group.iteration(lane)
        return lane.session.state.iteration

    @property
    def groups(self) -> tuple[tuple[tuple[int, ...], str], ...]:
        """For each group, its runs, and why they are computed one after another (empty if together)."""
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

    def __getitem__(self, index: int) -> SweepRun:
        return self.runs[self._index(index)]

    @property
    def runs(self) -> tuple[SweepRun, ...]:
        """All runs: the last setting of the grid varies fastest, and the seeds within it."""
        return tuple(self._view(index) for index in range(len(self._lanes)))

    def _view(self, index: int) -> SweepRun:
        return SweepRun(
            index,
            lambda function: self._between_steps(lambda: function(self._up_to_date(index))),
            lambda: self._iteration(index),
        )

    def _index(self, index: Any) -> int:
        if isinstance(index, bool) or not hasattr(index, "__index__"):
            raise TypeError(Message("a run is named by its number, not by {value!r}", value=index))
        number = int(index)
        if not -len(self._lanes) <= number < len(self._lanes):
            raise IndexError(
                Message("there is no run {i}; the sweep has runs 0 to {last}", i=number, last=len(self._lanes) - 1)
            )
        return number % len(self._lanes)

    @property
    def iteration(self) -> int:
        """Full steps of the run that has taken the most."""
        return max(self._iteration(index) for index in range(len(self._lanes)))

    @property
    def varied(self) -> tuple[str, ...]:
        """The settings, seeds apart, in which runs differ."""
        named = list(self._varied)
        tables = [lane.session.settings.as_dict() for lane in self._lanes]
        for name in SETTINGS:
            if name not in (*named, "seed", "data") and any(t[name] != tables[0][name] for t in tables):
                named.append(name)
        return tuple(named)

    @property
    def acts(self) -> tuple[Act, ...]:
        """What was done to the sweep, and which runs ended, in order."""
        return tuple(self._acts)

    # --- acts -----------------------------------------------------------------------------------

    @between_steps
    def take(self, i: int) -> GANTrainer:
        """Return a run as a trainer that goes on by itself from here, with its history; the sweep keeps its own."""
        index = self._index(i)
        trainer = self._up_to_date(index).forked(self._own, self._device)
        self._act("take", [index])
        return trainer

    @between_steps
    def kill(self, i: int, reason: str = "") -> None:
        """Stop a run; the others go on with the same bits. Its state and history can still be read."""
        index = self._index(i)
        if self._lanes[index].alive:
            self._regroup()
            self._act("kill", [index], reason=reason)
            self._lanes[index].status = "stopped"

    @between_steps
    def respawn(
        self, i: int, source: int | None = None, *, warm: bool = True, reason: str = "", **changes: Any
    ) -> None:
        """Let run `i` begin again.

        Parameters
        ----------
        i : int
        source : int, optional
            The run whose state, history and settings are copied. Without it the run begins afresh, with its own settings.
        warm : bool
            Whether the state of `source` is copied, and not its settings alone.
        reason : str
            Kept in the log.
        **changes
            Settings that differ from then on.

        Raises
        ------
        traitlets.TraitError
            For a setting that is not allowed, or, of a warm start, one that takes effect at a fresh start.
        IndexError
            If there is no such run.
        """
        index = self._index(i)
        origin = None if source is None else self._index(source)
        checked = checked_changes("Sweep.respawn", changes)
        self._regroup()
        parent = self._lanes[index if origin is None else origin]
        if warm and origin is not None:
            _refuse_fresh_start(checked, N_("pass warm=False to begin afresh"))
            trainer = parent.forked(self._own, self._device)
            trainer._session.change(checked, Origin("cell", "code", reason))
        else:
            settings = {
                name: value for name, value in parent.session.settings.as_dict().items() if name not in checked
            }
            trainer = fresh(settings["data"], self._own, self._device, {**settings, **checked})
        self._act("respawn", [index], source=origin, changes=checked, reason=reason)
        self._lanes[index] = Lane(trainer)
        self._route(index)
        if self._folder is not None:
            self._folder.changed()

    @between_steps
    def change(self, runs: int | Iterable[int] | None = None, reason: str = "", **settings: Any) -> None:
        """Change settings of some runs, or of all: everywhere, or on any error nowhere.

        Parameters
        ----------
        runs : int or iterable of int, optional
            Their numbers; all runs by default.
        reason : str
            Kept in the logs.
        **settings
            The new values by name, in force at the next step.

        Raises
        ------
        traitlets.TraitError
            For a setting that is not allowed in one of the runs, or that takes effect at a fresh start.
        """
        numbers = range(len(self._lanes)) if runs is None else runs if isinstance(runs, Iterable) else [runs]
        indices = [self._index(number) for number in numbers]
        checked = checked_changes("Sweep.change", settings)
        _refuse_fresh_start(checked, N_("begin a run afresh with sweep.respawn(i, ...)"))
        for index in indices:
            self._lanes[index].session.settings.checked(checked)
        for index in indices:
            self._up_to_date(index).session.change(checked, Origin("cell", "code", reason))
        self._act("change", indices, changes=checked, reason=reason)

    def _route(self, index: int) -> None:
        """Let an assignment to a setting of a run go through :meth:`change`."""

        def route(values: dict[str, Any], reason: str) -> bool:
            self.change(index, reason, **values)
            return True

        self._lanes[index].session.settings.__dict__["_route"] = route

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

    # --- figures --------------------------------------------------------------------------------

    def evaluate(self, n: int = 2500, seed: int = 0) -> list[dict[str, float]]:
        """Return what :meth:`GANTrainer.evaluate` returns, for every run, in their order."""
        return [self._figures(index, n, seed) for index in range(len(self._lanes))]

    @between_steps
    def _figures(self, index: int, n: int, seed: int) -> dict[str, float]:
        lane = self._up_to_date(index)
        for known in reversed(lane.session.history.evaluations):
            if (known["iteration"], known["n"], known["seed"]) == (lane.trainer.iteration, n, seed):
                return {name: value for name, value in known.items() if name not in {"iteration", "n", "seed"}}
        return lane.trainer.evaluate(n, seed)

    def best(self, metric: str, n: int = 2500, seed: int = 0) -> SweepRun:
        """Return the run with the best value of a metric, the first of equal ones.

        Parameters
        ----------
        metric : str
            One of the names that :meth:`evaluate` returns.
        n, seed : int
            As for :meth:`evaluate`.

        Raises
        ------
        ValueError
            For a metric that the data does not have.
        """
        figures = self.evaluate(n, seed)
        known = figures[0]
        if metric not in known:
            raise ValueError(
                Message("there is no metric {name!r}; choose one of {known}", name=metric, known=", ".join(known))
            )
        kind = self._lanes[0].session.run.source.kind
        sign = 1.0 if METRICS[kind][metric].better == "lower" else -1.0
        values = np.array([sign * each.get(metric, np.inf) for each in figures])
        return self.runs[int(np.argmin(np.where(np.isnan(values), np.inf, values)))]

    @between_steps
    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row a run.

        Returns
        -------
        DataFrame
            Indexed by ``run``. Columns: the settings that vary, ``seed status iteration loss_d loss_g``, and the
            figures of the last :meth:`evaluate` at the run's iteration, if there was one.
        """
        import pandas as pd

        varied = self.varied
        rows = []
        for index, lane in enumerate(self._lanes):
            iteration, settings = self._iteration(index), lane.session.settings.as_dict()
            last = lane.session.history.record()
            figures = [e for e in lane.session.history.evaluations if e["iteration"] == iteration]
            rows.append(
                {
                    "run": index,
                    **{name: settings[name] for name in varied},
                    "seed": settings["seed"],
                    "status": lane.status,
                    "iteration": iteration,
                    "loss_d": last["loss_d"],
                    "loss_g": last["loss_g"],
                    **{k: v for k, v in (figures[-1] if figures else {}).items() if k not in {"iteration", "n", "seed"}},
                }
            )
        return pd.DataFrame(rows).set_index("run")

    # --- the whole state ------------------------------------------------------------------------

    @between_steps
    def state_dict(self) -> dict[str, Any]:
        """Return the states of all runs: copies of tensors on the CPU, and plain values only."""
        return {
            "format": STATE_FORMAT,
            "runs": [
                {"state": lane.trainer.state_dict(), "status": lane.status, "error": str(lane.error)}
                for lane in self._lanes_up_to_date()
            ],
        }

    @between_steps
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` of a sweep with the same configurations returned.

        Raises
        ------
        CheckpointError
            If it belongs to other runs; the sweep is then as it was.
        """
        runs = state.get("runs") if isinstance(state, Mapping) else None
        if not isinstance(runs, list) or state.get("format") != STATE_FORMAT:
            raise CheckpointError(Message("this is not a state that state_dict of a sweep returned"))
        if len(runs) != len(self._lanes):
            raise CheckpointError(
                Message(
                    "the state has {found} runs, but this sweep has {n}; load it into a sweep that was made alike",
                    found=len(runs),
                    n=len(self._lanes),
                )
            )
        self._regroup()
        forks = [lane.forked(self._own, self._device) for lane in self._lanes]
        for trainer, run in zip(forks, runs, strict=True):
            trainer.load_state_dict(run["state"])
        self._act("load", list(range(len(runs))))
        self._lanes = [
            Lane(trainer, str(run["status"]), str(run["error"])) for trainer, run in zip(forks, runs, strict=True)
        ]
        for index in range(len(self._lanes)):
            self._route(index)

    @between_steps
    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the sweep to one file: all states, histories and logs, and data that is a small array.

        Raises
        ------
        CheckpointError
            If the file cannot be written; what was there before is still there.
        """
        write_sweep(path, self._lanes_up_to_date(), self._varied, self._acts)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        data: Any = None,
        *,
        generator: Any = None,
        discriminator: Any = None,
        objective: Any = None,
        device: Any = "cpu",
    ) -> Sweep:
        """Return the sweep that :meth:`save` wrote, or that was kept in a folder, and go on in that folder.

        Parameters
        ----------
        path
            The file, or the folder.
        data
            What the runs were trained on, if it is neither a preset nor a small array.
        generator, discriminator, objective, device
            As when the sweep was made.

        Raises
        ------
        CheckpointError
            If it is missing, damaged, foreign or newer, in use, or does not match what is passed.
        """
        own, place = OwnParts(generator, discriminator, objective), chosen_device(device)
        stored = read_sweep(file_of(path), data, own, place)
        sweep = cls.__new__(cls)
        sweep._begin(stored.lanes, stored.varied, stored.acts, own, place)
        if Path(path).expanduser().is_dir():
            sweep._keep(Path(path).expanduser(), new=False)
        return sweep

    @property
    def run(self) -> Path | None:
        """The folder in which the sweep is kept; None if it is in none."""
        return None if self._folder is None else self._folder.folder

    @between_steps
    def close(self) -> None:
        """Store what is new in the sweep's folder, and let another process go on there."""
        if self._folder is not None:
            self._folder.close()

    def __del__(self) -> None:
        folder = vars(self).get("_folder")
        if folder is not None and self._dispatch is None:
            folder.close()

    # --- for what steps the sweep in a thread ---------------------------------------------------

    def _attach(self, dispatch: Callable[[Callable[[], Any]], Any] | None) -> None:
        """Let calls be carried out by `dispatch`, which returns what the function returns, or no longer."""
        self._dispatch = dispatch

    def _between_steps(self, function: Callable[[], T]) -> T:
        if self._dispatch is None:
            return function()
        result: T = self._dispatch(function)
        return result

    def __repr__(self) -> str:
        return f"<Sweep of {len(self)} runs over {', '.join(self.varied) or 'seeds'}, iteration {self.iteration}>"


def _refuse_fresh_start(changes: Mapping[str, Any], remedy: str) -> None:
    for name in changes:
        if SETTINGS[name].effect == "fresh start":
            raise TraitError(
                Message(
                    "{name} takes effect at a fresh start alone; {remedy}",
                    name=name,
                    remedy=Message(remedy),
                )
            )


def _bar(n: int) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=n, unit="step")
