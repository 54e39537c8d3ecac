"""`Sweep`: many runs at once."""

from __future__ import annotations

import atexit
import os
import sys
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from traitlets import TraitError

from ganwidgets.data import DATA_OPTIONS, Source, dataset
from ganwidgets.data.load import load_data
from ganwidgets.messages import Message, N_
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.runs.state.state_tree import is_preset
from ganwidgets.settings import SETTINGS, check_names
from ganwidgets.settings.types import nearest
from ganwidgets.stepping.runtime.ambient import under_pinned_modes
from ganwidgets.stepping.runtime.devices import chosen_device
from ganwidgets.sweeps.acts import Act
from ganwidgets.sweeps.cluster.workers import Cluster
from ganwidgets.sweeps.lanes.lane import Lane, OwnParts, fresh
from ganwidgets.sweeps.search.configurations import KEYWORDS, checked_changes, expanded, refuse_other_games
from ganwidgets.sweeps.search.effects import refuse_presets, refuse_replaced, warn_of_no_effect
from ganwidgets.sweeps.search.evolution import Evolution
from ganwidgets.sweeps.search.search import search, space_of, study_for
from ganwidgets.sweeps.states import SweepState
from ganwidgets.sweeps.storage import SweepFolder, file_of, read_sweep, write_sweep
from ganwidgets.sweeps.swept_runs import between_steps, refuse_fresh_start
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.validation import checked_count, checked_path

__all__ = ["Sweep"]

AT_ONCE = 100
"""Maximum number of steps of a batch without interruption; an interrupt undoes at most one batch."""

BATCH_SECONDS = 0.5
"""Approximate duration of a batch, if it is shorter than `AT_ONCE` steps."""


class Sweep(SweepState):
    """Trains many GANs at once that differ in settings or seeds.

    Runs with equal code and shapes are computed together as batched products; :mod:`ganwidgets.stepping.lanes.engine`
    documents how closely each follows a separate run. They may differ in seeds and data, rates, schedules, averaging,
    limits of weights and gradients, the penalty's weight, ``d_steps``, ``g_steps``, ``freeze_d`` and ``freeze_g``. Other
    runs form groups that take turns. :attr:`groups` lists them, and says why runs are not computed together. A run that
    becomes non-finite is stopped at its last good state; the others continue with the same bits.

    Parameters
    ----------
    data
        Anything that :class:`GANTrainer` accepts.
    configurations : sequence of mapping, optional
        Settings of each configuration, instead of a grid.
    seeds : int or sequence of int, optional
        Number of seeds, from 0, or the seeds: each configuration runs with every seed. Default: ``seed``
        alone.
    draws : int, optional
        Number of configurations drawn from lists and from :func:`ganwidgets.between`, instead of the whole grid.
    draw_seed : int
        Seed of these draws.
    generator, discriminator : nn.Module or callable, optional
        Own networks: a module that every run copies, or a function that returns a new one.
    objective : Objective, optional
        See :class:`GANTrainer`.
    device : str or torch.device
    run : path, optional
        Folder to store the sweep in; :meth:`load` continues it.
    cluster : distributed.Client or True, optional
        Workers of dask.distributed that step the runs; the results have the same bits as without workers.
        True starts one single-threaded process for each processor, which :meth:`close` ends. If a worker is
        lost, its runs continue on another one from the last received results. Needs ``pip install
        ganwidgets[cluster]``. Dask transfers the user's own networks, objective and data to the workers.
    **settings
        Any setting by name: a value for all runs, or a list of values. The grid is the product of the lists.
        Widths such as ``g_hidden`` are tuples; several are a list of tuples.

    Raises
    ------
    traitlets.TraitError
        If a name is unknown, or a value is not allowed.
    DataError
        If the data or the networks cannot be trained.
    CheckpointError
        If the folder `run` is not empty, or is not writable.
    ImportError
        If `cluster` is True and dask.distributed is not installed.

    Examples
    --------
    >>> sweep = Sweep("ring8", lr_g=[1e-3, 2e-3], lr_d=[1e-3, 2e-3], seeds=2)
    >>> len(sweep)
    8
    >>> sweep.step(5)
    >>> sweep.runs[3].iteration, sweep.runs[3].settings.lr_d
    (5, 0.002)
    """

    @under_pinned_modes
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
        cluster: Any = None,
        **settings: Any,
    ) -> None:
        refuse_other_games(settings.pop("game", None))
        check_names(settings, "Sweep", also=(*KEYWORDS, *DATA_OPTIONS))
        options = {name: settings.pop(name) for name in DATA_OPTIONS if name in settings}
        varied, chosen = expanded(settings, configurations, seeds, draws, draw_seed)
        if options:
            data = dataset(data, **options)
        elif not (isinstance(data, Source) or (isinstance(data, str) and is_preset(data))):
            refuse_presets(data)
            data = load_data(data)  # read once for all runs
        own = OwnParts(generator, discriminator, objective)
        refuse_replaced(varied, {"generator": generator, "discriminator": discriminator})
        place = chosen_device(device)
        lanes = [Lane(fresh(data, own, place, each)) for each in chosen]
        self._begin(lanes, varied, [], own, place, _workers(cluster, own, place))
        warn_of_no_effect(varied, [lane.session.settings.as_dict() for lane in lanes], level=3)
        if run is not None:
            self._keep(checked_path("run", run), new=True)

    def _keep(self, folder: Path, *, new: bool) -> None:
        self._folder = SweepFolder(
            folder,
            lambda file: write_sweep(file, self._lanes_up_to_date(), self._varied, self._acts),
            new=new,
        )
        self._folder.changed()
        atexit.register(_close, weakref.ref(self))

    # --- steps ----------------------------------------------------------------------------------

    @between_steps
    def step(self, n: int = 1, *, progress: bool = False) -> None:
        """Carry out `n` full steps in every run that has not ended.

        Parameters
        ----------
        n : int
        progress : bool
            Show a progress bar.

        Raises
        ------
        RuntimeError
            If every run has ended, or the call is made during a step.
        ClusterError
            If all workers of a cluster are lost. Received results are kept.
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
        done = 0
        try:
            while done < n and any(lane.alive for lane in self._lanes):
                count = min(self._at_once, n - done)
                began = time.perf_counter()
                self._advance(count, last=done + count == n)
                self._adapt(count, time.perf_counter() - began)
                done += count
                if bar is not None:
                    bar.update(count)
        finally:
            self._stepping = False
            if bar is not None:
                bar.close()

    def _adapt(self, count: int, seconds: float) -> None:
        """Adapt the length of a batch to the duration of one with `count` steps."""
        wanted = int(count * BATCH_SECONDS / max(seconds, 1e-6))
        if count == self._at_once or wanted < count:
            self._at_once = min(max(1, wanted), 4 * count, AT_ONCE)

    # --- actions --------------------------------------------------------------------------------

    @between_steps
    def take(self, i: int) -> GANTrainer:
        """Return a copy of a run as a separate trainer, with its history; the sweep keeps its own."""
        index = self._index(i)
        trainer = self._up_to_date(index).forked(self._own, self._device)
        self._act("take", [index])
        return trainer

    @between_steps
    def kill(self, i: int, reason: str = "") -> None:
        """Stop a run; the others continue with the same bits. The stopped run's state and history stay readable."""
        index = self._index(i)
        if self._lanes[index].alive:
            self._regroup()
            self._act("kill", [index], reason=reason)
            self._lanes[index].status = "stopped"

    @between_steps
    def respawn(
        self, i: int, source: int | None = None, *, warm: bool = True, reason: str = "", **changes: Any
    ) -> None:
        """Restart run `i` from the state of another run, or afresh.

        Parameters
        ----------
        i : int
        source : int, optional
            The run whose state, history and settings are copied. If omitted, run `i` starts afresh with its own
            settings.
        warm : bool
            Copy the state of `source`, not only its settings.
        reason : str
            Stored in the log.
        **changes
            Settings to change in the restarted run.

        Raises
        ------
        traitlets.TraitError
            If a value is not allowed, or, for a warm start, if a setting takes effect only at a fresh start.
        IndexError
            If there is no such run.
        """
        index = self._index(i)
        origin = None if source is None else self._index(source)
        checked = checked_changes("Sweep.respawn", changes)
        self._regroup()
        parent = self._lanes[index if origin is None else origin]
        if warm and origin is not None:
            refuse_fresh_start(checked, N_("pass warm=False to begin afresh"))
            trainer = parent.forked(self._own, self._device)
            trainer._session.change(checked, replace(CODE, reason=reason))
        else:
            settings = {
                name: value
                for name, value in parent.session.settings.as_dict().items()
                if name not in checked
            }
            trainer = fresh(settings["data"], self._own, self._device, {**settings, **checked})
        self._act("respawn", [index], source=origin, changes=checked, reason=reason)
        self._lanes[index] = Lane(trainer)
        self._route(index)
        if self._folder is not None:
            self._folder.changed()

    def search(
        self,
        study: Any = None,
        n: int = 0,
        *,
        metric: str = "",
        method: str = "random",
        seed: int = 0,
        steps: int = 1000,
        report_every: int = 200,
        **space: Any,
    ) -> Any:
        """Carry out trials of an Optuna study, with the runs of this sweep as workers, and return the study.

        Each trial restarts a run. The run of a pruned trial begins the next trial, while the others continue.

        Parameters
        ----------
        study : optuna.Study or str
            A study, whose sampler and pruner choose settings and prune trials, or the name of a metric for a
            new study.
        n : int
            Number of trials.
        metric : str
            The reported metric, on 1000 samples; by default the metric that `study` names, otherwise
            ``"sliced_wasserstein"``.
        method : {"random", "halving", "tpe"}
            Method of a new study: random settings, random settings with successive halving (ASHA), or
            Optuna's tree-structured Parzen estimator.
        seed : int
            Seed of a new study.
        steps : int
            Number of full steps of a trial that is not pruned.
        report_every : int
            Number of steps between two reports.
        **space
            Settings to choose, each a list of values or :func:`ganwidgets.between`. Default for a new study:
            the values of this sweep's grid.

        Raises
        ------
        ImportError
            If a new study is needed and Optuna is not installed.
        TypeError
            If `study` is not a study.
        ValueError
            If the data does not have the metric, or the study has the wrong direction.
        traitlets.TraitError
            If a setting is not allowed.
        """
        if study is None or isinstance(study, str):
            metric = metric or study or "sliced_wasserstein"
            study = study_for(self, metric, method, seed, report_every)
            space = space or space_of(self)
        search(self, study, n, metric or "sliced_wasserstein", steps, report_every, space)
        return study

    def evolve(
        self,
        n: int,
        *,
        metric: str = "sliced_wasserstein",
        every: int = 200,
        share: float = 0.25,
        explore: Sequence[str] = ("lr_d", "lr_g"),
        factors: Sequence[float] = (0.8, 1.25),
        seed: int = 0,
    ) -> tuple[Act, ...]:
        """Carry out `n` full steps of population-based training, and return the log of its actions.

        After every `every` steps, each of the worst runs becomes a copy of one of the best, by `metric` on
        1000 samples. The copy's settings in `explore` are perturbed (Jaderberg et al., "Population based
        training of neural networks", 2017). Diverged runs are replaced too. Every replacement is a
        ``"respawn"`` in :attr:`acts`, with both metric values as its reason. The changes are interventions of
        the run.

        Parameters
        ----------
        n : int
        metric : str
            One of the names that :meth:`evaluate` returns.
        every : int
            Steps between two selections, counted from the sweep's beginning.
        share : float
            Share of runs that are replaced, and of runs that are copied; at most 0.5.
        explore : sequence of str
            Numeric settings to perturb in copies.
        factors : sequence of float
            A rate or weight is multiplied by one of these, within its bounds; a count changes by 1.
        seed : int
            Seed of the random choices.

        Returns
        -------
        tuple of Act
            The newest entries of :attr:`acts`.

        Raises
        ------
        traitlets.TraitError
            If a setting cannot be explored.
        ValueError
            If the data does not have the metric, or another value is not allowed.
        RuntimeError
            If every run has ended.

        Examples
        --------
        >>> sweep = Sweep("ring8", lr_g=[1e-6, 1e-3], seeds=2, g_hidden=(8,), d_hidden=(8,))
        >>> acts = sweep.evolve(100, every=50)
        >>> {act.action for act in acts}
        {'respawn'}
        """
        return Evolution(metric, every, share, explore, factors, seed).run(self, n)

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
        cluster: Any = None,
    ) -> Sweep:
        """Return a stored sweep; if it was stored in a folder, it continues to be stored there.

        Parameters
        ----------
        path
            The file, or the folder.
        data
            The training data, if it is neither a preset nor a small array.
        generator, discriminator, objective, device, cluster
            As at the sweep's creation; `cluster` may be another one or None.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, foreign, newer or in use, or does not match the arguments.
        """
        own, place = OwnParts(generator, discriminator, objective), chosen_device(device)
        stored = read_sweep(file_of(path), data, own, place)
        sweep = cls.__new__(cls)
        sweep._begin(stored.lanes, stored.varied, stored.acts, own, place, _workers(cluster, own, place))
        if checked_path("path", path).is_dir():
            sweep._keep(checked_path("path", path), new=False)
        return sweep

    @property
    def run(self) -> Path | None:
        """The sweep's folder; None if it is not stored."""
        return None if self._folder is None else self._folder.folder

    @between_steps
    def close(self) -> None:
        """Store the sweep's latest state in its folder, release the folder, and end workers started by the sweep.

        Without workers, the runs continue in this process.
        """
        if self._folder is not None:
            self._folder.close()
        if self._cluster is not None:
            self._regroup()
            self._cluster.close()
            self._cluster = None

    def __del__(self) -> None:
        kept = vars(self).get("_folder") is not None or vars(self).get("_cluster") is not None
        if kept and self._dispatch is None and not sys.is_finalizing():
            self.close()

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and (hasattr(Sweep, name) or type(self) is Sweep):
            known = [member for member in dir(Sweep) if not member.startswith("_")]
            hint: str = Message("; it can only be read") if name in known else nearest(name, known)
            if name in SETTINGS:
                hint = Message(
                    "; it is a setting: sweep.change({name}=...) changes it in every run", name=name
                )
            raise TraitError(Message("Sweep has no {name!r} to set{hint}", name=name, hint=hint))
        super().__setattr__(name, value)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError(
            Message("a Sweep cannot be pickled; sweep.save(path) stores it, and gw.Sweep.load(path) loads it")
        )

    def __deepcopy__(self, _memo: Any) -> Sweep:
        """Return a sweep that continues exactly like this one, without its folder and its cluster."""
        made = Sweep.__new__(Sweep)
        lanes = [
            Lane(lane.forked(self._own, self._device), lane.status, lane.error)
            for lane in self._lanes_up_to_date()
        ]
        made._begin(lanes, list(self._varied), list(self._acts), self._own, self._device, None)
        return made

    def __repr__(self) -> str:
        runs = f"{len(self)} run{'s' if len(self) > 1 else ''}"
        return f"<Sweep of {runs} over {', '.join(self.varied) or 'seeds'}, iteration {self.iteration}>"


def _workers(asked: Any, own: OwnParts, device: Any) -> Cluster | None:
    return None if asked is None or asked is False else Cluster(asked, own, device)


def _close(sweep: weakref.ref[Sweep]) -> None:
    known = sweep()
    if known is not None:
        known.close()


def _bar(n: int) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=n, unit="step")
