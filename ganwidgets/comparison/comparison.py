"""Comparison of several runs; each call reads them again."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ganwidgets.comparison.sources import Found, Origin, Readable, origins_of, readable
from ganwidgets.errors import CheckpointError, CheckpointWarning
from ganwidgets.messages import Message
from ganwidgets.metrics.bootstrap import Interval, difference_of_means, mean_of_differences
from ganwidgets.runs.record.columns import PROGRESS
from ganwidgets.runs.record.interventions import Intervention, is_update
from ganwidgets.runs.record.run_record import RunRecord

if TYPE_CHECKING:
    import pandas as pd

    from ganwidgets.diagnosis import Finding

__all__ = ["AGAINST", "Comparison", "compare"]

AGAINST = ("iteration", *PROGRESS)
"""Axes to draw curves against."""

TAIL = 0.1
"""The last part of a run over which :meth:`Comparison.better_by` takes the mean of a column."""


def compare(*runs: Any, **named: Any) -> Comparison:
    """Return a comparison of several runs; a notebook displays it as a widget.

    Parameters
    ----------
    *runs
        Trainers, widgets, ``(trainer, "branch")``, a trainer's timeline for all of its branches, sweeps, what-ifs,
        folders of runs and sweeps, saved files, patterns such as ``"runs/*"``, or lists of these. One trainer or folder
        alone means all of its branches.
    **named
        Runs with names of your choice: ``gw.compare(wide=one, deep=other)``.

    Returns
    -------
    Comparison
        Each method reads the runs anew. It sees the progress of runs that other processes train, and new folders
        that match a pattern. Of run folders and saved files it reads the numbers only, never a tensor.

    Raises
    ------
    CheckpointError
        If no run can be read. If some of several runs cannot be read, they are left out, and a
        :class:`CheckpointWarning` names each.
    TypeError
        If an argument is not a run.

    Examples
    --------
    >>> import ganwidgets as gw
    >>> slow, fast = (gw.GANTrainer("ring8", lr_d=rate) for rate in (1e-4, 1e-3))
    >>> for trainer in (slow, fast):
    ...     _ = trainer.step(20)
    >>> both = gw.compare(slow=slow, fast=fast)
    >>> both.settings()
            lr_d
    run
    slow  0.0001
    fast  0.0010
    >>> both.curves("loss_d").shape
    (20, 2)
    """
    return Comparison(
        [*origins_of(runs), *origins_of([named] if named else [])], given=[*runs, *named.values()]
    )


class Comparison:
    """Several runs to compare; made by :func:`ganwidgets.compare`.

    Parameters
    ----------
    origins : list of Origin
        Sources of the runs.
    given : list
        Arguments of the user, for the error message if nothing can be read.
    """

    interactive: ClassVar[Callable[[Comparison], Any] | None] = None
    """Factory of the widget that shows a comparison in a notebook; set if Jupyter packages may be imported."""

    def __init__(self, origins: list[Origin], given: list[Any]) -> None:
        self._origins = origins
        self._given = given
        self._reading = threading.Lock()
        self._widget: Any = None
        self._warned: set[tuple[str, str]] = set()
        self._trainers: dict[str, tuple[RunRecord, Readable]] = {}
        self._figures: dict[tuple[Any, ...], dict[str, float]] = {}
        if not given:
            raise CheckpointError(
                Message(
                    "there is no run in the call compare(); pass trainers, sweeps, run folders, saved files, or a "
                    'pattern such as "runs/*"'
                )
            )
        if len(origins) == 1:
            self._refuse_unreadable(origins[0])
        if not self.found():
            raise CheckpointError(
                Message(
                    "there is no run in {runs}; pass trainers, run folders, saved files, or a pattern such as "
                    '"runs/*" that names some',
                    runs=", ".join(repr(run) for run in given),
                )
            )

    @staticmethod
    def _refuse_unreadable(origin: Origin) -> None:
        """Raise the reading error of the only run."""
        list(origin.entries())

    # --- reading --------------------------------------------------------------------------------

    def found(self) -> dict[str, Found]:
        """Return the runs as they are now, by unique name."""
        with self._reading:
            runs: dict[str, Found] = {}
            for origin in self._origins:
                for found in readable(origin, self._warned):
                    runs[_free(found.name, runs)] = found
            return runs

    @property
    def runs(self) -> Mapping[str, RunRecord]:
        """Metadata of each run as it is now, without tensors, by name."""
        return {name: found.record for name, found in self.found().items()}

    def __len__(self) -> int:
        return len(self.found())

    # --- differences ----------------------------------------------------------------------------

    def settings(self) -> pd.DataFrame:
        """Return a table of differences: a row for each run, a column for each setting that is not equal in all runs.

        Further columns, if they differ: ``data``, own networks, ``interventions`` as a text, package versions, and
        ``notes``. A cell is None if its value is unknown.
        """
        import pandas as pd

        runs = self.runs
        rows = {name: described(record) for name, record in runs.items()}
        index = pd.Index(rows, name="run")
        return pd.DataFrame(
            {
                name: pd.Series([row.get(name) for row in rows.values()], index)
                for name in differing(rows.values())
            },
            index=index,
        )

    def curves(self, column: str, against: str = "iteration") -> pd.DataFrame:
        """Return a column of every run's history: a row for each value of the axis, a column for each run.

        Parameters
        ----------
        column : str
            ``"loss_d"``, ``"loss_g"``, or another column of :attr:`GANTrainer.history`.
        against : {"iteration", "samples_seen", "seconds"}
            The axis. For the latter two, each run keeps its own axis values; where it has no row, its number is NaN.

        Raises
        ------
        ValueError
            If no run has the column, or if the axis is unknown.
        """
        import pandas as pd

        if against not in AGAINST:
            raise ValueError(
                Message(
                    "curves cannot be drawn against {value!r}; choose one of {known}",
                    value=against,
                    known=", ".join(AGAINST),
                )
            )
        runs = self.runs
        self._refuse_unknown(column, runs)
        series = {}
        for name, record in runs.items():
            known = column in record.columns
            places = record.progress(against) if known else np.empty(0)
            values = record.column(column) if known else np.empty(0)
            there = np.isfinite(places)
            index = pd.Index(places[there].astype(np.int64) if against != "seconds" else places[there])
            line = pd.Series(values[there], index)
            series[name] = line[~line.index.duplicated(keep="last")]
        frame = pd.DataFrame(series)
        frame.index.name, frame.columns.name = against, "run"
        return frame.sort_index()

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each run: its iteration, its differing settings, its last record and last evaluation."""
        import pandas as pd

        runs = self.runs
        rows = {name: described(record) for name, record in runs.items()}
        different = differing(rows.values())
        table = []
        for name, record in runs.items():
            row: dict[str, Any] = {"run": name, "iteration": record.rows}
            for axis in PROGRESS:
                places = record.progress(axis)
                last = places[-1] if len(places) else np.nan
                row[axis] = round(last) if axis == "samples_seen" and np.isfinite(last) else last
            row.update((each, rows[name].get(each)) for each in different if each not in row)
            row.update((each, value) for each, value in last_numbers(record).items() if each not in row)
            row.update((each, value) for each, value in last_evaluation(record).items() if each not in row)
            table.append(row)
        return pd.DataFrame(table).set_index("run")

    # --- over seeds -----------------------------------------------------------------------------

    def groups(self) -> dict[str, list[str]]:
        """Return groups of runs that differ only in their seed: run names by the group's distinguishing settings."""
        rows = {name: described(record) for name, record in self.runs.items()}
        settings = [each for each in differing(rows.values()) if each not in {"seed", "notes", *VERSIONS}]
        found: dict[str, list[str]] = {}
        for name, row in rows.items():
            label = ", ".join(f"{each}={row.get(each)}" for each in settings) or "all"
            found.setdefault(label, []).append(name)
        return found

    def over_seeds(self, column: str, against: str = "iteration") -> pd.DataFrame:
        """Return mean, lowest and highest value of a column over each group: columns ``(group, "mean" "low" "high")``.

        See :meth:`groups` and :meth:`curves`.
        """
        import pandas as pd

        curves = self.curves(column, against)
        if against != "iteration":
            curves = curves.interpolate(method="index", limit_area="inside")
        parts = {}
        for label, names in self.groups().items():
            group = curves[names]
            parts[label, "mean"] = group.mean(axis=1)
            parts[label, "low"] = group.min(axis=1)
            parts[label, "high"] = group.max(axis=1)
        return pd.DataFrame(parts)

    def better_by(self, metric: str, first: str | None = None, second: str | None = None) -> Interval:
        """Return mean of `metric` in the second group minus mean in the first, with a 95 % interval.

        Runs with the same seeds in both groups are compared in pairs.

        Parameters
        ----------
        metric : str
            A column of the histories, averaged over the last tenth of each run; or a figure of
            :meth:`GANTrainer.evaluate`, computed for each run.
        first, second : str, optional
            Group names as :meth:`groups` returns them, or run names. If there are only two groups, they may be omitted.

        Raises
        ------
        ValueError
            If the group or metric does not exist, or if no groups are named and their number is not two.
        """
        groups, runs = self.groups(), self.found()
        known = {**{name: [name] for name in runs}, **groups}
        if first is None and second is None and len(groups) == 2:
            first, second = groups
        if first not in known or second not in known:
            raise ValueError(
                Message(
                    "{first!r} and {second!r} cannot be compared; name two of {known}",
                    first=first,
                    second=second,
                    known="; ".join(groups),
                )
            )
        values = [
            {
                runs[name].record.settings["seed"]: self._value(name, runs[name], metric)
                for name in known[group]
            }
            for group in (first, second)
        ]
        shared = values[0].keys() & values[1].keys()
        if len(shared) > 1 and len(shared) == len(values[0]) == len(values[1]):
            return mean_of_differences([values[1][seed] - values[0][seed] for seed in sorted(shared)])
        return difference_of_means(list(values[0].values()), list(values[1].values()))

    def _value(self, name: str, found: Found, metric: str) -> float:
        record = found.record
        if metric in record.columns:
            values = record.column(metric)
            tail = values[-max(1, int(TAIL * len(values))) :]
            finite = tail[np.isfinite(tail)]
            if not len(finite):  # costlier columns are not in every row
                finite = values[np.isfinite(values)][-1:]
            return float(finite.mean()) if len(finite) else float("nan")
        figures = self._evaluated(name, found)
        if metric not in figures:
            raise ValueError(
                Message(
                    "{metric!r} is not known of run {run!r}; known are {known}",
                    metric=metric,
                    run=name,
                    known=", ".join([*record.columns, *figures]),
                )
            )
        return figures[metric]

    def _evaluated(self, name: str, found: Found) -> dict[str, float]:
        """Return the figures of a run, computed once for each iteration at which it was asked."""
        key = name, id(found.record.history), found.record.rows
        if key not in self._figures:
            self._figures[key] = self.trainer(name).evaluate()
        return self._figures[key]

    def findings(self) -> dict[str, tuple[Finding, ...]]:
        """Return the findings of :meth:`GANTrainer.diagnose` for every run at its current iteration.

        Runs without usable networks are left out, and a :class:`CheckpointWarning` names each.
        """
        found = {}
        for name in self.found():
            try:
                found[name] = self.trainer(name).diagnose()
            except CheckpointError as error:
                warnings.warn(
                    Message("no findings on {name}: {error}", name=name, error=error.args[0]),
                    CheckpointWarning,
                    stacklevel=2,
                )
        return found

    # --- samples --------------------------------------------------------------------------------

    def trainer(self, name: str) -> Readable:
        """Return a trainer of the run `name`: the one that the user passed, or an in-memory copy of the stored run.

        Raises
        ------
        ValueError
            If there is no run of this name.
        CheckpointError
            If the run cannot be opened, for example because it was trained with own networks.
        """
        runs = self.found()
        if name not in runs:
            raise ValueError(
                Message("there is no run {name!r}; there are {known}", name=name, known=", ".join(runs))
            )
        found = runs[name]
        kept = self._trainers.get(name)
        if kept is None or kept[0] is not found.record:
            self._trainers[name] = kept = found.record, found.trainer()
        return kept[1]

    def samples(self, n: int = 16, seed: int = 0) -> dict[str, Tensor]:
        """Return `n` generated samples of every run, from the same latents if the latent shapes agree.

        Runs without a usable generator are left out, and a :class:`CheckpointWarning` names each.
        """
        made = {}
        for name in self.found():
            try:
                samples = self.trainer(name)._samples_of_the_run(n, seed)
                if samples is not None:
                    made[name] = samples
            except CheckpointError as error:
                warnings.warn(
                    Message("no samples of {name}: {error}", name=name, error=error.args[0]),
                    CheckpointWarning,
                    stacklevel=2,
                )
        return made

    # --- display --------------------------------------------------------------------------------

    def _refuse_unknown(self, column: str, runs: Mapping[str, RunRecord]) -> None:
        known = list(dict.fromkeys(name for record in runs.values() for name in record.columns))
        if column not in known:
            raise ValueError(
                Message(
                    "no run has a column {name!r}; there are {known}", name=column, known=", ".join(known)
                )
            )

    def _repr_html_(self) -> str:
        from ganwidgets.comparison.overview import overview

        return overview(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown = {"text/plain": repr(self), "text/html": self._repr_html_()}
        if Comparison.interactive is None:
            return shown
        if self._widget is None:
            self._widget = Comparison.interactive(self)
        bundle: dict[str, Any] = self._widget._repr_mimebundle_()
        return {**shown, **bundle, "text/html": shown["text/html"]}

    def __repr__(self) -> str:
        runs = self.runs
        return f"<Comparison of {len(runs)} runs: {', '.join(runs)}>"


VERSIONS = ("torch", "python", "device", "processor", "threads")


def described(record: RunRecord) -> dict[str, Any]:
    """Return everything that may differ between runs, by name; unknown values are missing."""
    notes = "; ".join(f"{iteration}: {text}" for iteration, text in record.notes)
    return {
        **record.settings,
        **record.networks,
        "interventions": "; ".join(map(change_text, record.interventions)),
        "notes": notes,
        **record.versions,
    }


def change_text(record: Intervention) -> str:
    """Return an intervention as a short text.

    >>> change_text(Intervention(0, 500, "cell", "code", "lr_d", 0.001, 0.0002))
    '500: lr_d 0.001 -> 0.0002'
    """
    if is_update(record.setting):
        return f"{record.iteration}: {record.setting} {record.new}"
    change = f"{record.old} -> {record.new}" if record.old is not None else f"{record.new}"
    return f"{record.iteration}: {record.setting} {change}"


def differing(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names with unequal values in `rows`; a row without a name does not count for that name.

    >>> differing([{"lr_d": 1, "lr_g": 2}, {"lr_d": 3, "lr_g": 2}, {"lr_d": 1}])
    ['lr_d']
    """
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    return [name for name, found in values.items() if any(value != found[0] for value in found)]


def last_numbers(record: RunRecord) -> dict[str, float]:
    """Return the last number of each column of a run's history."""
    found = {}
    for name in record.columns:
        if name in AGAINST:
            continue
        values: npt.NDArray[np.float64] = record.column(name)
        finite = values[np.isfinite(values)]
        found[name] = float(finite[-1]) if len(finite) else float("nan")
    return found


def last_evaluation(record: RunRecord) -> dict[str, float]:
    """Return the figures of the last evaluation up to the record's tip, or an empty dict."""
    made = [each for each in record.history.evaluations if each["iteration"] <= record.rows]
    return {} if not made else {k: v for k, v in made[-1].items() if k not in {"iteration", "n", "seed"}}


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """Return `name`, with a number appended if it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free
