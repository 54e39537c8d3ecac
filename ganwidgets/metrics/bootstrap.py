"""Bootstrap intervals for the difference between two groups of runs.

A percentile bootstrap interval of few values is too narrow: two values with one sign would always be "more than chance".
:func:`_widening` moves both ends away from the difference, as in Student's interval of a mean (Hesterberg, "What
teachers should know about the bootstrap", The American Statistician 2015).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganwidgets.messages import Message

__all__ = ["Interval", "difference_of_means", "mean_of_differences"]

LEVEL = 0.95
RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A difference of means with its bootstrap interval (Efron, "Bootstrap methods", 1979), widened for few runs.

    Attributes
    ----------
    difference : float
        Mean of the second group minus mean of the first.
    low, high : float
        The 2.5 % and 97.5 % quantiles of the difference over resampled groups, widened; NaN for a group of one run.
    counts : (int, int)
        Number of runs in each group.
    paired : bool
        True if runs with the same seed were compared in pairs.
    """

    difference: float
    low: float
    high: float
    counts: tuple[int, int]
    paired: bool

    @property
    def more_than_chance(self) -> bool:
        """True if the interval excludes 0; False for groups of one run, which have no interval."""
        return self.low > 0 or self.high < 0

    def sentence(self) -> Message:
        """Return the interval as a sentence."""
        runs = " + ".join(map(str, self.counts))
        if np.isnan(self.low):
            return Message(
                "difference {difference}; {runs} runs are too few for an interval, repeat them with other seeds",
                difference=f"{self.difference:+.4g}",
                runs=runs,
            )
        verdict = Message("more than chance") if self.more_than_chance else Message("no more than chance")
        return Message(
            "difference {difference}, 95 % interval {low} to {high} over {runs} runs: {verdict}",
            difference=f"{self.difference:+.4g}",
            low=f"{self.low:+.4g}",
            high=f"{self.high:+.4g}",
            runs=runs,
            verdict=verdict,
        )

    def __str__(self) -> str:
        return str(self.sentence())


def difference_of_means(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Return mean(second) - mean(first), with both groups resampled independently.

    >>> difference_of_means([1.0, 1.1, 0.9], [2.0, 2.1, 1.9]).more_than_chance
    True
    """
    one, other = _finite(first), _finite(second)
    counts = len(one), len(other)
    if min(counts) == 0:
        return Interval(float("nan"), float("nan"), float("nan"), counts, paired=False)
    difference = float(other.mean() - one.mean())
    if min(counts) < 2:
        return Interval(difference, float("nan"), float("nan"), counts, paired=False)
    draws = np.random.default_rng(0)
    means = [
        group[draws.integers(len(group), size=(RESAMPLES, len(group)))].mean(axis=1) for group in (one, other)
    ]
    # Welch's degrees of freedom are at least those of the smaller group.
    low, high = _ends(means[1] - means[0], difference, min(counts))
    return Interval(difference, low, high, counts, paired=False)


def mean_of_differences(differences: Sequence[float]) -> Interval:
    """Return the mean of paired differences, with the pairs resampled.

    >>> interval = mean_of_differences([0.5, 0.4, 0.6, 0.5])
    >>> interval.difference, interval.more_than_chance
    (0.5, True)
    """
    pairs = _finite(differences)
    counts = len(pairs), len(pairs)
    if len(pairs) < 2:
        difference = float(pairs[0]) if len(pairs) else float("nan")
        return Interval(difference, float("nan"), float("nan"), counts, paired=True)
    draws = np.random.default_rng(0)
    means = pairs[draws.integers(len(pairs), size=(RESAMPLES, len(pairs)))].mean(axis=1)
    difference = float(pairs.mean())
    low, high = _ends(means, difference, len(pairs))
    return Interval(difference, low, high, counts, paired=True)


def _finite(values: Sequence[float]) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]


def _ends(means: np.ndarray, difference: float, n: int) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    factor = _widening(n)
    return difference - factor * (difference - float(low)), difference + factor * (float(high) - difference)


def _widening(n: int) -> float:
    """Return the factor by which an interval from `n` values is widened: ``t / z * sqrt(n / (n - 1))``.

    t and z are the quantiles of Student's distribution with n - 1 degrees of freedom and of the normal one. The root
    undoes the bias of a resampled variance, whose denominator is n.

    >>> [round(_widening(n), 2) for n in (2, 3, 8, 100)]
    [9.17, 2.69, 1.29, 1.02]
    """
    from scipy.special import ndtri, stdtrit

    level = (1 + LEVEL) / 2
    return float(stdtrit(n - 1, level) / ndtri(level) * math.sqrt(n / (n - 1)))
