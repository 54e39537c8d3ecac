"""Population-based training over the runs of a sweep.

Jaderberg et al., "Population based training of neural networks" (2017): at regular intervals, each of the
worst runs is replaced by a copy of one of the best (exploit), and the copy's settings are perturbed
(explore). Selection is by truncation, section 4.1.1 of the paper.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from traitlets import TraitError

from ganwidgets.messages import Message
from ganwidgets.metrics import METRICS
from ganwidgets.seeds import derive
from ganwidgets.settings import SETTINGS, check_names
from ganwidgets.sweeps.acts import Act
from ganwidgets.validation import checked_count

if TYPE_CHECKING:
    from ganwidgets.sweeps.sweep import Sweep

__all__ = ["Evolution"]

SAMPLES = 1000
"""Number of samples for the metric."""


class Evolution:
    """Selection and variation of a population.

    Parameters
    ----------
    metric : str
        A metric of :meth:`Sweep.evaluate`.
    every : int
        Number of full steps between two selections.
    share : float
        Share of runs that are replaced, and of runs that are copied; at most 0.5.
    explore : sequence of str
        Settings to change in copies.
    factors : sequence of float
        Factors for rates and weights; counts change by 1 instead.
    seed : int
        Seed of all choices.

    Raises
    ------
    TraitError
        If a setting is unknown, not a number, or takes effect only at a fresh start.
    ValueError
        If another value is invalid.
    """

    def __init__(
        self,
        metric: str,
        every: int,
        share: float,
        explore: Sequence[str],
        factors: Sequence[float],
        seed: int,
    ) -> None:
        self.every = checked_count(every)
        if self.every == 0:
            raise ValueError(Message("every cannot be {n!r}: pass 1 or more", n=every))
        if not 0 < share <= 0.5:
            raise ValueError(
                Message("share cannot be {value!r}: it must be above 0 and at most 0.5", value=share)
            )
        if not factors or not all(math.isfinite(factor) and factor > 0 for factor in factors):
            raise ValueError(Message("factors cannot be {value!r}: pass positive numbers", value=factors))
        check_names(dict.fromkeys(explore), "Sweep.evolve")
        for name in explore:
            setting = SETTINGS[name]
            if isinstance(setting.initial, bool) or not isinstance(setting.initial, int | float):
                raise TraitError(Message("{name} cannot be explored: it is no number", name=name))
            if setting.effect == "fresh start":
                raise TraitError(
                    Message("{name} cannot be explored: it takes effect at a fresh start alone", name=name)
                )
        self.metric, self.share, self.seed = metric, share, seed
        self.explore, self.factors = tuple(explore), tuple(factors)

    def run(self, sweep: Sweep, n: int) -> tuple[Act, ...]:
        """Carry out `n` full steps with selections between them; return the acts."""
        known = METRICS[sweep.runs[0].source.kind]
        if self.metric not in known:
            raise ValueError(
                Message(
                    "there is no metric {name!r}; choose one of {known}",
                    name=self.metric,
                    known=", ".join(known),
                )
            )
        sign = 1.0 if known[self.metric].better == "lower" else -1.0
        began, left = len(sweep.acts), checked_count(n)
        while left:
            steps = min(left, self.every - sweep.iteration % self.every)
            sweep.step(steps)
            left -= steps
            if sweep.iteration % self.every == 0:
                self._select(sweep, sign)
        return sweep.acts[began:]

    def _select(self, sweep: Sweep, sign: float) -> None:
        """Replace the worst runs by perturbed copies of the best; runs stopped by the user are excluded."""
        values: dict[int, float] = {}
        for index, run in enumerate(sweep.runs):
            if run.status == "running":
                value = sign * run.evaluate(SAMPLES)[self.metric]
                values[index] = value if math.isfinite(value) else math.inf
            elif run.status in {"diverged", "failed"}:
                values[index] = math.inf
        ranked = sorted(values, key=lambda index: (values[index], index))
        count = max(1, int(self.share * len(ranked))) if len(ranked) > 1 else 0
        best = [index for index in ranked[:count] if math.isfinite(values[index])]
        lost = {index for index in ranked if sweep.runs[index].status != "running"}
        draws = random.Random(derive(self.seed, "evolve", sweep.iteration))  # noqa: S311 - it chooses settings
        for index in ranked:
            if not best or index in best or (index not in ranked[-count:] and index not in lost):
                continue
            source = draws.choice(best)
            if values[source] < values[index]:
                reason = Message(
                    "evolve: {metric} {ours:.4g}, run {source} has {theirs:.4g}",
                    metric=self.metric,
                    ours=sign * values[index],
                    source=source,
                    theirs=sign * values[source],
                )
                changes = self._explored(sweep, source, draws)
                sweep.respawn(index, source, reason=str(reason), **changes)

    def _explored(self, sweep: Sweep, source: int, draws: random.Random) -> dict[str, Any]:
        """Return perturbed settings of run `source`, within their bounds."""
        settings = sweep.runs[source].settings
        changes: dict[str, Any] = {}
        for name in self.explore:
            value, setting = getattr(settings, name), SETTINGS[name]
            low, high = getattr(setting, "min", -math.inf), getattr(setting, "max", math.inf)
            if isinstance(setting.initial, int):
                changes[name] = min(max(value + draws.choice((-1, 1)), low), high)
            else:
                changes[name] = float(f"{min(max(value * draws.choice(self.factors), low), high):.6g}")
        return changes
