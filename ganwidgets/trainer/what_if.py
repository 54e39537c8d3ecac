"""Two futures of a run from one state: without and with a change."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from traitlets import TraitError

from ganwidgets.errors import DivergedError
from ganwidgets.messages import Message
from ganwidgets.metrics.bootstrap import Interval, mean_of_differences
from ganwidgets.runs.record.places import Position
from ganwidgets.runs.session.session import Session
from ganwidgets.runs.timeline.copies import copy_here
from ganwidgets.runs.timeline.grafting import graft
from ganwidgets.seeds import derive
from ganwidgets.settings import Setting
from ganwidgets.validation import checked_count

if TYPE_CHECKING:
    from ganwidgets.trainer.trainer import GANTrainer

__all__ = ["Difference", "WhatIf"]

Future = Literal["unchanged", "changed"]
Floats = npt.NDArray[np.float64]


class Difference:
    """Changed minus unchanged.

    Attributes
    ----------
    metric : str
    iterations : int array [n]
        Since the beginning of the what-if for a history column; only the last one for a figure of `evaluate`.
    values : float64 array [n]
        Under the run's own noise; NaN where one future has no number.
    finals : float64 array [seeds]
        The last difference for each noise seed.
    interval : Interval
        Confidence interval of the mean of `finals`; NaN for one seed.
    """

    def __init__(
        self, metric: str, iterations: npt.NDArray[np.int64], values: Floats, finals: Floats
    ) -> None:
        self.metric = metric
        self.iterations = iterations
        self.values = values
        self.finals = finals
        self.interval: Interval = mean_of_differences(list(finals))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Floats:
        return np.array(self.values, dtype=dtype, copy=True)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, item: Any) -> Any:
        return self.values[item]

    def __float__(self) -> float:
        """Return the last difference under the run's own noise."""
        return float(self.finals[0])

    @property
    def more_than_chance(self) -> bool:
        """True if the interval over noise seeds excludes 0."""
        return self.interval.more_than_chance

    def __repr__(self) -> str:
        if len(self.finals) > 1:
            return f"<Difference of {self.metric}: {self.interval}>"
        return f"<Difference of {self.metric}: {float(self):+.4g} at the end>"


class WhatIf:
    """Two futures of a run from one state, without and with a change.

    Both use the same noise and the same real batches, on exact copies; the run does not change. Made by
    :meth:`GANTrainer.what_if`.

    Parameters
    ----------
    trainer : GANTrainer
        The run.
    steps : int
        Number of full steps of each future.
    seeds : int
        Number of noise seeds for the two futures, including the run's own.
    changes : mapping
        Settings by name.

    Attributes
    ----------
    unchanged, changed : GANTrainer
        The futures under the run's own noise: trainers that can be sampled, evaluated and stepped.
    start : int
        The iteration at which they branch.
    errors : dict of str to DivergedError
        The error that ended a future early, by its name.
    """

    def __init__(self, trainer: GANTrainer, steps: int, seeds: int, changes: Mapping[str, Any]) -> None:
        steps = checked_count(steps)
        if checked_count(seeds) == 0:
            raise ValueError(Message("seeds cannot be {n!r}: pass 1 or more", n=seeds))
        values = trainer.settings.checked(dict(changes))
        self._refuse_pending(values, trainer.settings.definitions)
        self.changes = dict(values)
        self.errors: dict[str, DivergedError] = {}
        self._trainer = trainer
        self._taken = ""
        session = trainer._session

        def copies() -> tuple[Session, Position]:
            return copy_here(session), session.branches.owned(session.place)

        start, self._place = trainer._between_steps(copies)
        self.start = start.state.iteration
        self._known = len(start.log.everything)
        self._pairs: list[dict[Future, GANTrainer]] = [self._pair(start, number) for number in range(seeds)]
        self.step(steps)

    @staticmethod
    def _refuse_pending(values: Mapping[str, Any], definitions: Mapping[str, Setting[Any]]) -> None:
        for name in values:
            if definitions[name].effect == "fresh start":
                raise TraitError(
                    Message(
                        "{setting} takes effect at a fresh start, so no future from this state shows what it does; "
                        "begin another trainer with it, and look at both with gw.compare",
                        setting=name,
                    )
                )

    def _pair(self, start: Session, number: int) -> dict[Future, GANTrainer]:
        """Return both futures before their first step, for noise seed `number`."""
        made: dict[Future, GANTrainer] = {
            "unchanged": type(self._trainer)._of(copy_here(start)),
            "changed": type(self._trainer)._of(copy_here(start)),
        }
        for future in made.values():
            if number:
                for purpose, generator in future._session.state.random.items():
                    generator.manual_seed(derive(start.settings.seed, "what if", purpose, number, self.start))
        if self.changes:
            made["changed"].change("what if", **self.changes)
        return made

    # --- continuing -----------------------------------------------------------------------------

    def step(self, n: int = 1) -> None:
        """Carry out `n` more full steps of each future; a future that diverges ends, and `errors` has the reason."""
        n = checked_count(n)
        for number, pair in enumerate(self._futures()):
            for name, future in pair.items():
                self._advance(name if number == 0 else f"{name} under noise {number}", future, n)

    def _advance(self, name: str, future: GANTrainer, n: int) -> None:
        if name in self.errors:
            return
        drawn = torch.get_rng_state()  # a network whose draws cannot be routed draws from here
        try:
            future.step(n)
        except DivergedError as error:
            self.errors[name] = error
        finally:
            torch.set_rng_state(drawn)

    # --- looking --------------------------------------------------------------------------------

    @property
    def unchanged(self) -> GANTrainer:
        """The future without the change."""
        return self._futures()[0]["unchanged"]

    @property
    def changed(self) -> GANTrainer:
        """The future with the change."""
        return self._futures()[0]["changed"]

    @property
    def seeds(self) -> int:
        """Number of noise seeds."""
        return len(self._pairs)

    def _futures(self) -> list[dict[Future, GANTrainer]]:
        if not self._pairs:
            raise ValueError(
                Message(
                    "this what-if was dropped, and its futures with it; begin another one by what_if(...)"
                )
            )
        return self._pairs

    def difference(self, metric: str) -> Difference:
        """Return `metric` of the changed future minus that of the unchanged one.

        Parameters
        ----------
        metric : str
            A column of :attr:`GANTrainer.history`, compared at every iteration; or a figure of
            :meth:`GANTrainer.evaluate`, compared at the end. With several noise seeds, their last differences give an
            interval.

        Raises
        ------
        ValueError
            If there is neither a column nor a figure of this name.
        """
        pairs = self._futures()
        if metric in pairs[0]["changed"].history:
            lines = [self._line(pair, metric) for pair in pairs]
            finals = np.array([_last(values) for _, values in lines])
            return Difference(metric, *lines[0], finals)
        finals = np.array(
            [
                self._figure(pair["changed"], metric) - self._figure(pair["unchanged"], metric)
                for pair in pairs
            ]
        )
        end = pairs[0]["changed"].iteration
        return Difference(metric, np.array([end], dtype=np.int64), finals[:1], finals)

    def _line(self, pair: Mapping[Future, GANTrainer], column: str) -> tuple[npt.NDArray[np.int64], Floats]:
        one, other = (pair[name].history[column][self.start :] for name in ("unchanged", "changed"))
        rows = max(len(one), len(other))
        values = np.full(rows, np.nan)
        both = min(len(one), len(other))
        values[:both] = other[:both] - one[:both]
        return np.arange(self.start + 1, self.start + rows + 1), values

    @staticmethod
    def _figure(future: GANTrainer, metric: str) -> float:
        figures = (
            next(
                (
                    made
                    for made in reversed(future.history.evaluations)
                    if made["iteration"] == future.iteration and metric in made
                ),
                None,
            )
            or future.evaluate()
        )
        if metric not in figures:
            raise ValueError(
                Message(
                    "there is no {metric!r} to compare; there are {known}",
                    metric=metric,
                    known=", ".join(
                        [*future.history, *(n for n in figures if n not in {"iteration", "n", "seed"})]
                    ),
                )
            )
        return float(figures[metric])

    # --- deciding -------------------------------------------------------------------------------

    def take(self, future: Future = "changed") -> None:
        """Add a future to the run's timeline as a branch with its interventions, and move the run to its end.

        No step is computed again. Steps that the run took meanwhile stay on their own branch.

        Parameters
        ----------
        future : {"changed", "unchanged"}

        Raises
        ------
        ValueError
            If the name is unknown, or one of the futures was taken already.
        """
        if future not in {"unchanged", "changed"}:
            raise ValueError(
                Message("there is no future {name!r}; take 'changed' or 'unchanged'", name=future)
            )
        chosen = self._futures()[0][future]
        if self._taken:
            raise ValueError(
                Message(
                    "the {name} future was taken already; begin another what-if from the current iteration",
                    name=self._taken,
                )
            )
        asked = ", ".join(f"{name}={value}" for name, value in self.changes.items())
        branch = f"what if {asked}" if future == "changed" and asked else "what if: unchanged"
        session = self._trainer._session
        self._trainer._between_steps(
            lambda: graft(session, self._place, chosen._session, self._known, branch)
        )
        self._taken = future

    def drop(self) -> None:
        """Discard both futures; the run, its history and its timeline do not change."""
        self._pairs = []

    def __repr__(self) -> str:
        asked = ", ".join(f"{name}={value!r}" for name, value in self.changes.items()) or "nothing changed"
        if not self._pairs:
            return f"<WhatIf {asked}: dropped>"
        end = self.changed.iteration
        return f"<WhatIf {asked}: iterations {self.start} to {end}, {self.seeds} noise seed(s)>"

    def _repr_html_(self) -> str:
        from ganwidgets.trainer.futures import conclusion_page, futures_page

        about = f"<p>{html.escape(repr(self)[1:-1])}</p>"
        if not self._pairs:
            return about
        headline = self.unchanged.game.headline(self.unchanged.source.modality)
        return about + futures_page(self) + conclusion_page(self, headline)


def _last(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else float("nan")
