"""Symptoms: the signal, window, threshold and source for each.

A symptom is found if the last `moments` values of its signal are all beyond the threshold and its further conditions
hold. Thresholds marked "tuned" were chosen on seeds 0 to 2 of ``benchmarks/findings.py`` and are reported on other
seeds in ``benchmarks/results.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ganwidgets.diagnosis.finding import Evidence, Finding, gravest
from ganwidgets.diagnosis.remedies import remedies
from ganwidgets.diagnosis.signals import SIGNALS, Series, Signals
from ganwidgets.messages import N_
from ganwidgets.metrics.interpretation import BEGINNING, CERTAIN, DEAD, NEARLY, NO_SLOPE, SHRUNKEN

__all__ = ["SYMPTOMS", "Detector", "findings_of"]

IDEAL: Mapping[str, float] = MappingProxyType(
    {
        "minimax": 2 * math.log(2),
        "non_saturating": 2 * math.log(2),
        "least_squares": 0.5,
        "hinge": 2.0,
        "relativistic": math.log(2),
    }
)
"""Loss of a D that cannot separate the samples; a Wasserstein critic's has no such scale."""

BLOCKS = 10
"""Number of parts of the window; the median of each is one smoothed value."""


@dataclass(frozen=True)
class Detector:
    """Criterion for one symptom.

    Attributes
    ----------
    symptom : str
    signal : callable
        Returns the series to compare with the threshold.
    name : str
        Name of the signal; see :data:`~ganwidgets.diagnosis.signals.SIGNALS`.
    threshold : float
    above : bool
        True if values above the threshold are bad.
    worst : float
        The value at which the severity is 1.
    moments : int
        Number of last values that must all be bad.
    earliest : int
        Iteration before which the symptom is not evaluated.
    holds : callable
        Further conditions.
    source : str
    sentence : str
    """

    symptom: str
    signal: Callable[[Signals], Series]
    name: str
    threshold: float
    above: bool
    worst: float
    moments: int
    earliest: int
    holds: Callable[[Signals], bool]
    source: str
    sentence: str

    def find(self, seen: Signals) -> Finding | None:
        """Return the finding, or None."""
        if seen.iteration < self.earliest:
            return None
        series = self.signal(seen)
        if len(series) < self.moments:
            return None
        ill = series.values > self.threshold if self.above else series.values < self.threshold
        if not ill[-self.moments :].all() or not self.holds(seen):
            return None
        first = len(ill) - int(np.argmin(ill[::-1])) if not ill.all() else 0
        far = (float(series.values[-1]) - self.threshold) / (self.worst - self.threshold)
        return Finding(
            self.symptom,
            float(np.clip(far, 0, 1)),
            int(series.iterations[first]),
            Evidence(
                self.name,
                SIGNALS[self.name],
                tuple(map(int, series.iterations)),
                tuple(map(float, series.values)),
                self.threshold,
                self.above,
                self.source,
            ),
            remedies(self.symptom, seen.settings, seen.kind),
            self.sentence,
        )


def findings_of(seen: Signals) -> tuple[Finding, ...]:
    """Return every finding, most severe first, each symptom once; whole collapse hides partial collapse."""
    found = gravest([finding for detector in DETECTORS if (finding := detector.find(seen)) is not None])
    names = {finding.symptom for finding in found}
    hidden = {milder for milder, graver in _IMPLIED.items() if milder in names and graver & names}
    return tuple(finding for finding in found if finding.symptom not in hidden)


_IMPLIED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "partial_collapse": frozenset({"collapse", "too_slow"}),
        "collapse": frozenset({"too_slow"}),
        "d_weak": frozenset({"too_slow", "diverging"}),
        "exploding_gradients": frozenset({"diverging"}),
    }
)
"""Symptoms that a more severe one with the same cause hides."""


# --- derived signals --------------------------------------------------------------------------------


def _of(name: str) -> Callable[[Signals], Series]:
    return lambda seen: seen.series(name)


def _blocks(series: Series) -> Series:
    """Return the medians of :data:`BLOCKS` parts of equal length; an empty series if there are too few values."""
    n = len(series) // BLOCKS
    if n < 1:
        return Series(series.iterations[:0], series.values[:0])
    values = series.values[-n * BLOCKS :].reshape(BLOCKS, n)
    return Series(series.iterations[-n * BLOCKS :].reshape(BLOCKS, n)[:, -1], np.median(values, axis=1))


def _loss_ratio(seen: Signals) -> Series:
    """Return D's loss without the recorded penalty, divided by its value at the equilibrium."""
    ideal = IDEAL.get(seen.settings["loss"])
    series = _blocks(seen.series("loss_d"))
    if ideal is None:
        return Series(series.iterations[:0], series.values[:0])
    return Series(series.iterations, series.values / ideal)


def _loss_size(seen: Signals) -> Series:
    """Return ``|loss_d| + |loss_g|``."""
    d, g = seen.series("loss_d"), seen.series("loss_g")
    n = min(len(d), len(g))
    return _blocks(Series(d.iterations[-n:], np.abs(d.values[-n:]) + np.abs(g.values[-n:]))) if n else d


def _ratio(seen: Signals) -> Series:
    """Return the gradient norm of the first layer divided by that of the last, the smaller of both networks."""
    found = []
    for player in "dg":
        norms = seen.series(f"layers_{player}").values
        if len(norms) > 2:
            found.append(norms[0] / max(norms[-1], 1e-30) if norms[0] < FIRST_LAYER else 1.0)
    return (
        Series(np.array([seen.iteration]), np.array([min(found)]))
        if found
        else Series(np.empty(0, np.int64), np.empty(0))
    )


FIRST_LAYER = 1e-4
"""Gradient norm of a first layer below which it hardly learns (AutoTrainer, monitor.py)."""


# --- conditions -------------------------------------------------------------------------------------


def _always(_seen: Signals) -> bool:
    return True


def _last(seen: Signals, name: str, default: float = math.nan) -> float:
    series = seen.series(name)
    return float(series.values[-1]) if len(series) else default


def _far(seen: Signals) -> bool:
    """Return True if the samples are still far from the data."""
    return _last(seen, "distance") > NEARLY


def _trains(seen: Signals, player: str) -> bool:
    return not seen.settings[f"freeze_{player}"]


def _not_improving(seen: Signals) -> bool:
    """Return True if no more groups are served than half a window ago."""
    values = seen.series("served").values
    return len(values) >= 3 and values[-1] <= values[len(values) // 2 - 1] + 1e-9


def _starved(seen: Signals) -> bool:
    """Return True if D is nearly always right, the samples are far from the data, and G hardly moves them."""
    return (
        seen.settings["loss"] != "wasserstein"
        and _last(seen, "certainty") > 0.9
        and _far(seen)
        and _last(seen, "moved") < STARVED
    )


def _lags(seen: Signals) -> bool:
    """Return True if D ranks samples that are far from the data at least as high as real ones."""
    return _far(seen) and _last(seen, "separation", 1.0) < RANKED


def _runs_about(seen: Signals) -> bool:
    """Return True if the samples move without approaching the data."""
    distance = seen.series("distance").values[-3:]
    return _last(seen, "swing") > 0.3 and len(distance) > 0 and bool((distance > AWAY).all())


def _grows(seen: Signals) -> bool:
    """Return True if the losses have grown in the window, or are already huge."""
    values = _loss_size(seen).values
    return len(values) > 0 and bool(values[-3:].mean() > values[:3].mean() or values[-3:].min() > LOST)


def _few_data(seen: Signals) -> bool:
    return seen.epochs > EPOCHS


RANKED = 0.9
"""Minimum probability that D ranks a real sample above a generated one, for a D that tells them apart (tuned)."""

AWAY = 4.0
"""Minimum distance from the data of oscillating samples, divided by that of perfect samples (tuned)."""

STARVED = 0.2
"""Movement per 100 iterations, in standard deviations of the data, below which G counts as stalled (tuned)."""

LOST = 1e3
"""Sum of losses at which AutoTrainer stops a run."""

EPOCHS = 20
"""Number of epochs before which D cannot have memorised the samples."""

DETECTORS: tuple[Detector, ...] = (
    Detector(
        "collapse",
        _of("extent"),
        "extent",
        SHRUNKEN,
        False,
        0.0,
        2,
        BEGINNING,
        _always,
        "total variance of the samples / total variance of the data; bound: metrics.interpretation.SHRUNKEN",
        N_("Nearly all samples are alike: the generator makes one thing only."),
    ),
    Detector(
        "partial_collapse",
        _of("served"),
        "served",
        0.85,
        False,
        0.1,
        3,
        BEGINNING,
        _not_improving,
        "share of groups with a fifth of their weight or more; NDB, Richardson and Weiss 2018; bound tuned",
        N_("The samples vary, but a part of the data is never made."),
    ),
    Detector(
        "d_saturated",
        _loss_ratio,
        "loss_d",
        0.15,
        False,
        0.0,
        3,
        200,
        _starved,
        "loss of D against its ideal value; gap-aware learning rates, AISTATS 2023; bound tuned",
        N_("D is nearly never wrong, and G hardly moves: it learns too little from D."),
    ),
    Detector(
        "d_weak",
        _loss_ratio,
        "loss_d",
        0.9,
        True,
        1.2,
        5,
        200,
        _lags,
        "loss of D against its ideal value; gap-aware learning rates, AISTATS 2023; bound tuned",
        N_("D cannot tell bad samples from real ones, so G gets no useful direction."),
    ),
    Detector(
        "oscillation",
        _of("moved"),
        "moved",
        0.8,
        True,
        3.0,
        3,
        BEGINNING,
        _runs_about,
        "path of the samples of fixed latents against the straight way; bounds tuned",
        N_("The samples run about and get nowhere: the two networks chase each other."),
    ),
    Detector(
        "diverging",
        _loss_size,
        "loss_size",
        100.0,
        True,
        1e4,
        3,
        20,
        _grows,
        "AutoTrainer stops at a loss of 1,000; here from a tenth of it on, while the losses grow",
        N_("The losses grow without end: the run will soon break down."),
    ),
    Detector(
        "overfitting",
        _of("memorised"),
        "memorised",
        0.65,
        True,
        1.0,
        1,
        100,
        _few_data,
        "rank of training samples above held-out ones by D; ADA, Karras et al. 2020, section 2; bound tuned",
        N_("D knows the training samples by heart: it finds them more real than new ones."),
    ),
    Detector(
        "vanishing_gradients",
        _ratio,
        "layer_ratio",
        1e-3,
        False,
        0.0,
        1,
        20,
        _always,
        "first layer / last layer < 1e-3 and first layer < 1e-4; AutoTrainer, ICSE 2021",
        N_("The gradient dies on its way through a network: its first layers learn nothing."),
    ),
    Detector(
        "vanishing_gradients",
        _of("grad_norm_g"),
        "grad_norm_g",
        NO_SLOPE,
        False,
        0.0,
        5,
        BEGINNING,
        lambda seen: _last(seen, "certainty") > CERTAIN and _far(seen),
        "a perfect D leaves G no gradient; Arjovsky and Bottou 2017, theorem 2.4",
        N_("D is never wrong and flat around the samples, so G gets no direction."),
    ),
    Detector(
        "exploding_gradients",
        lambda seen: max(
            (seen.series(f"grad_norm_{p}") for p in "dg"), key=lambda s: s.values[-5:].min() if len(s) else 0
        ),
        "grad_norm_g",
        100.0,
        True,
        1e4,
        5,
        20,
        _always,
        "norm of the whole gradient in five measured updates; usual norms are .01 to 30; bound tuned",
        N_("The gradients are far too long: one update can destroy what was learnt."),
    ),
    Detector(
        "too_slow",
        _of("moved"),
        "moved",
        0.01,
        False,
        0.0,
        1,
        300,
        _far,
        "movement of the samples of fixed latents per 100 iterations; AutoTrainer's slow convergence; bound tuned",
        N_("The samples hardly move, though they are far from the data."),
    ),
    Detector(
        "dead_units",
        _of("dead_units"),
        "dead_units",
        DEAD,
        True,
        1.0,
        1,
        20,
        _always,
        "share of ReLU units that are 0 for every sample, in one layer; AutoTrainer, ICSE 2021, has .7; bound tuned",
        N_("Most units of a layer are off for every sample and can no longer learn."),
    ),
)

SYMPTOMS: Mapping[str, str] = MappingProxyType(
    {
        "collapse": N_("Mode collapse"),
        "partial_collapse": N_("Partial mode collapse"),
        "d_saturated": N_("D saturated"),
        "d_weak": N_("D too weak"),
        "oscillation": N_("Oscillation"),
        "diverging": N_("About to diverge"),
        "overfitting": N_("D learns by heart"),
        "vanishing_gradients": N_("Vanishing gradients"),
        "exploding_gradients": N_("Exploding gradients"),
        "too_slow": N_("Far too slow"),
        "dead_units": N_("Dead units"),
        "no_effect": N_("A setting without effect"),
    }
)
"""Description of every symptom."""
