"""Search for settings by Optuna's ask-and-tell interface, with the lanes of a sweep as workers.

Optuna's sampler chooses settings, and its pruner stops bad trials early. `SuccessiveHalvingPruner` is ASHA (Li et al.,
"A system for massively parallel hyperparameter tuning", 2020). A lane whose trial ends begins the next trial, while
the others continue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ganwidgets.messages import Message
from ganwidgets.metrics import METRICS
from ganwidgets.settings import SETTINGS
from ganwidgets.sweeps.search.configurations import Between, checked_space
from ganwidgets.validation import checked_count

if TYPE_CHECKING:
    from ganwidgets.sweeps.sweep import Sweep

__all__ = ["METHODS", "search", "space_of", "study_for"]

SAMPLES = 1000
"""Number of samples for a trial's metric."""


METHODS = ("random", "halving", "tpe")
"""Sampler and pruner of each search method."""


def study_for(sweep: Sweep, metric: str, method: str, seed: int, report_every: int) -> Any:
    """Return a new Optuna study for `metric`; see :meth:`Sweep.search`.

    Raises
    ------
    ValueError
        If the data does not have the metric, or the method is unknown.
    ImportError
        If Optuna is not installed.
    """
    better = _better(metric, sweep)
    if method not in METHODS:
        raise ValueError(
            Message(
                "method cannot be {value!r}; choose one of {known}", value=method, known=", ".join(METHODS)
            )
        )
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            Message("Sweep.search needs Optuna; install it with pip install ganwidgets[search]")
        ) from error
    sampler = optuna.samplers.TPESampler if method == "tpe" else optuna.samplers.RandomSampler
    pruner = (
        optuna.pruners.SuccessiveHalvingPruner(min_resource=max(report_every, 1))
        if method == "halving"
        else optuna.pruners.NopPruner()
    )
    return optuna.create_study(
        sampler=sampler(seed=seed), pruner=pruner, direction="maximize" if better == "higher" else "minimize"
    )


def space_of(sweep: Sweep) -> dict[str, list[Any]]:
    """Return the values of each varying setting over the runs of a sweep, in order."""
    values = {name: [run.settings.as_dict()[name] for run in sweep.runs] for name in sweep.varied}
    return {name: list(dict.fromkeys(found)) for name, found in values.items()}


def search(
    sweep: Sweep, study: Any, n: int, metric: str, steps: int, report_every: int, space: Mapping[str, Any]
) -> None:
    """Carry out `n` trials of `study`; see :meth:`Sweep.search`."""
    axes = checked_space(space)
    _check_study(study, metric, sweep)
    for name, count in (("n", n), ("steps", steps)):
        if checked_count(count) == 0:
            raise ValueError(Message("{name} cannot be 0: it must be a whole number from 1 on", name=name))
    every = max(1, checked_count(report_every))
    lanes: dict[int, _Work] = {}
    try:
        _carry_out(sweep, study, n, metric, steps, every, axes, lanes)
    except BaseException:
        for work in lanes.values():
            work.fail(study)  # otherwise the study would wait for these trials for ever
        raise


def _carry_out(
    sweep: Sweep,
    study: Any,
    n: int,
    metric: str,
    steps: int,
    every: int,
    axes: Mapping[str, Any],
    lanes: dict[int, _Work],
) -> None:
    """Carry out `n` trials; `lanes` maps runs to their current trials, also after an exception."""
    left = n
    while left or lanes:
        for index in range(len(sweep)):
            if index not in lanes and left:
                lanes[index] = _Work(study.ask(), axes)
                sweep.respawn(
                    index, warm=False, reason=f"trial {lanes[index].number}", **lanes[index].settings
                )
                left -= 1
        idle = [i for i in range(len(sweep)) if i not in lanes]
        for index in idle:
            sweep.kill(index)
        due = min(steps - work.steps for work in lanes.values())
        sweep.step(min(every, due))
        for index, work in list(lanes.items()):
            work.steps += min(every, due)
            if work.is_over(study, sweep, index, metric, steps):
                del lanes[index]


class _Work:
    """The current trial of a lane."""

    def __init__(self, trial: Any, axes: Mapping[str, Sequence[Any] | Between]) -> None:
        self.trial, self.steps = trial, 0
        self.number = trial.number
        self.settings = {name: _suggested(trial, name, axis) for name, axis in axes.items()}

    def is_over(self, study: Any, sweep: Sweep, index: int, metric: str, steps: int) -> bool:
        """Report the trial's metric to the study; return True if the trial has ended."""
        from optuna.trial import TrialState

        run = sweep.runs[index]
        if run.status in {"diverged", "failed"}:
            self.fail(study)
            return True
        value = run.evaluate(SAMPLES)[metric]
        if not np.isfinite(value):
            self.fail(study)
            return True
        self.trial.report(value, self.steps)
        if self.steps >= steps:
            study.tell(self.trial, value)
            return True
        if self.trial.should_prune():
            study.tell(self.trial, state=TrialState.PRUNED)
            return True
        return False

    def fail(self, study: Any) -> None:
        """Report to the study that the trial failed."""
        from optuna.trial import TrialState

        study.tell(self.trial, state=TrialState.FAIL)


def _suggested(trial: Any, name: str, axis: Sequence[Any] | Between) -> Any:
    """Return the value that a trial suggests for a setting."""
    if not isinstance(axis, Between):
        # Optuna accepts only scalars, so tuples of widths are encoded.
        choices = [str(value) if isinstance(value, tuple) else value for value in axis]
        return axis[choices.index(trial.suggest_categorical(name, choices))]
    if isinstance(SETTINGS[name].initial, int):
        return trial.suggest_int(name, round(axis.low), round(axis.high), log=axis.logarithmic(name))
    return trial.suggest_float(name, axis.low, axis.high, log=axis.logarithmic(name))


def _check_study(study: Any, metric: str, sweep: Sweep) -> None:
    """Raise if `study` is not an Optuna study, or has the wrong direction for the metric."""
    if not (callable(getattr(study, "ask", None)) and callable(getattr(study, "tell", None))):
        raise TypeError(
            Message(
                "search needs a study of Optuna, not a {type}; pass optuna.create_study() (pip install "
                "ganwidgets[search])",
                type=type(study).__name__,
            )
        )
    better = _better(metric, sweep)
    wanted = "maximize" if better == "higher" else "minimize"
    found = study.direction.name.lower()
    if found != wanted:
        raise ValueError(
            Message(
                "the direction of the study is {found!r}, but {metric} is better when it is {better}; pass "
                "optuna.create_study(direction={wanted!r})",
                found=found,
                metric=metric,
                better=better,
                wanted=wanted,
            )
        )


def _better(metric: str, sweep: Sweep) -> str:
    """Return ``"higher"`` or ``"lower"``, the better direction of a metric; raise `ValueError` without it."""
    known = METRICS[sweep.runs[0].source.kind]
    if metric not in known:
        raise ValueError(
            Message("there is no metric {name!r}; choose one of {known}", name=metric, known=", ".join(known))
        )
    return str(known[metric].better)
