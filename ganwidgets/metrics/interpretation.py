"""Interpretation of metrics as findings with evidence; the first finding is the verdict.

Each rule of the table reads several figures and returns a sentence with the figures that support it. Rules are ordered
by severity. Each bound is from the source beside it, or is a rule of thumb with a margin above sampling noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ganwidgets.messages import Message, N_
from ganwidgets.modality import MODALITIES

__all__ = ["IMAGE_RULES", "POINT_RULES", "SIGNS", "Observed", "Said", "findings", "verdict"]

Figures = Mapping[str, float]

POOR, GOOD = 0.5, 0.85
"""Shares of a perfect sample's score: below the first a figure is poor, from the second on good."""

BEGINNING = 500
"""Iterations during which missing clusters say nothing: with the default settings the presets find their
clusters within 300 to 1,000 iterations (``benchmarks/modes.py``)."""

DEAD = 0.9
"""Share of a layer's ReLU units that are 0 for every sample, above which the layer is dead.

AutoTrainer (ICSE 2021) has .7. Here a layer of a healthy run on `spiral` came to .703: points on a plane leave many units off.
"""

SHRUNKEN = 0.25
"""Standard deviation of the samples, divided by that of the data, below which they count as one heap."""

SAME_EVERYWHERE = 0.02
"""Standard deviation of D's logits over real and generated samples below which D tells nothing apart: the
probabilities sigma(logit) then vary by about .02 / 4, half a per cent."""

NO_SLOPE = 0.005
"""Norm of G's gradient below which G gets no direction. In recommended runs of the presets that still improve it was
.018 to 1; after D had died in a run without a penalty and with 30 times its learning rate it was below .002."""

CERTAIN = 0.99
"""Share of a batch that D judges correctly, from which on it counts as perfect (Arjovsky and Bottou, "Towards
principled
methods for training generative adversarial networks", 2017, theorem 2.4: the gradient of G then vanishes)."""

NEARLY = 6
"""Maximum distance, divided by that of perfect samples, of points that match the data well."""

UNBALANCED = 0.1
"""Reverse KL in nats; 2,500 perfect samples of 25 clusters score .005."""

SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "served": N_("clusters that receive at least a fifth of their share, by nearest centre"),
        "extent": N_("standard deviation of the samples, divided by that of the data"),
        "logit_spread": N_("standard deviation of D's logits"),
        "undecided": N_("share of samples whose verdict is within one per cent of undecided"),
        "grad_norm_g": N_("norm of G's gradient"),
        "accuracy_real": N_("share of real samples that D judges correctly"),
        "accuracy_fake": N_("share of generated samples that D judges correctly"),
    }
)
"""Inputs of a verdict besides the metrics, by name."""


@dataclass(frozen=True)
class Observed:
    """Figures and signs at one moment of a run.

    Attributes
    ----------
    figures, floors : mapping of str to float
        As the trainer's `evaluate` and `floors` return them.
    signs : mapping of str to float
        Any of :data:`SIGNS`; a rule that needs a missing one does not apply.
    iteration : int or None
        Full steps so far, if known.
    """

    figures: Figures
    floors: Figures
    signs: Figures = field(default_factory=lambda: MappingProxyType({}))
    iteration: int | None = None

    def share(self, name: str) -> float:
        """Return a figure divided by the score of perfect samples; 1 if the figure is missing."""
        perfect = self.floors.get(name, 0.0)
        return self.figures.get(name, perfect) / perfect if perfect else 1.0

    def sign(self, name: str) -> float:
        """Return a sign; NaN if it is unknown, so that no comparison holds."""
        return self.signs.get(name, math.nan)

    @property
    def beginning(self) -> bool:
        """True if the run has only begun."""
        return self.iteration is not None and self.iteration < BEGINNING


@dataclass(frozen=True)
class Said:
    """One finding.

    Attributes
    ----------
    symptom : str
        Its name in the table.
    sentence : str
        In English, to be translated.
    evidence : mapping of str to float
        The figures and signs that support it.
    """

    symptom: str
    sentence: str
    evidence: Figures


Sentence = Callable[[Observed], str]
"""Returns a rule's sentence, or an empty string if it does not apply."""


@dataclass(frozen=True)
class _Rule:
    symptom: str
    says: Sentence
    reads: tuple[str, ...]


def findings(kind: str, observed: Observed) -> list[Said]:
    """Return every finding about the samples and D, most severe first.

    Parameters
    ----------
    kind : str
        Of the data.
    observed : Observed
    """
    if not observed.figures or not observed.floors:
        return []
    found = []
    for rule in MODALITIES[kind].rules:
        if sentence := rule.says(observed):
            known = {**observed.signs, **observed.figures}
            evidence = {name: known[name] for name in rule.reads if name in known}
            found.append(Said(rule.symptom, sentence, MappingProxyType(evidence)))
    return found


def verdict(
    kind: str,
    figures: Figures,
    floors: Figures,
    signs: Figures = MappingProxyType({}),
    iteration: int | None = None,
) -> str:
    """Return one sentence about the quality of the samples, or an empty string if there is no finding.

    Parameters
    ----------
    kind : str
        Of the data.
    figures, floors, signs, iteration
        See :class:`Observed`.
    """
    found = findings(kind, Observed(figures, floors, signs, iteration))
    return found[0].sentence if found else ""


# --- of both kinds --------------------------------------------------------------------------------


def _broken(seen: Observed) -> str:
    if any(math.isinf(seen.figures.get(name, 0.0)) for name in ("frechet", "sliced_wasserstein")):
        return N_("The generator returns broken numbers.")
    return ""


def _as_good_as_real(seen: Observed) -> bool:
    """Return True if the samples are nearly perfect: an undecided D is then the equilibrium."""
    if "precision" in seen.floors:
        return min(seen.share("precision"), seen.share("coverage")) >= GOOD
    if "modes" in seen.floors:
        return seen.share("modes") >= 1 and seen.share("high_quality") >= GOOD
    return seen.share("sliced_wasserstein") <= NEARLY


def _dead(seen: Observed) -> str:
    """D's answer is constant: its slope, from which alone G learns, is zero."""
    slope = seen.sign("grad_norm_g")
    flat = seen.sign("logit_spread") < SAME_EVERYWHERE and not slope >= NO_SLOPE
    if flat and not seen.beginning and not _as_good_as_real(seen):
        return N_(
            "D says nearly the same everywhere, so G gets no direction: raise D's learning rate, lower the penalty, "
            "or go back."
        )
    return ""


def _saturated(seen: Observed) -> str:
    """D is never wrong, and flat around the generated samples."""
    certain = min(seen.sign("accuracy_real"), seen.sign("accuracy_fake")) >= CERTAIN
    if certain and seen.sign("grad_norm_g") < NO_SLOPE and not seen.sign("logit_spread") < SAME_EVERYWHERE:
        return N_("D is never wrong and flat around the generated samples, so G gets no direction.")
    return ""


# --- images ---------------------------------------------------------------------------------------


def _unlike(seen: Observed) -> str:
    if seen.share("precision") < POOR and seen.share("density") < POOR:
        return N_("Most images do not look real yet.")
    return ""


def _classes_missing(seen: Observed) -> str:
    if seen.figures.get("modes", 0.0) < seen.floors.get("modes", 0.0) * 0.95:
        return Message(
            "The images look real, but only {found:.0f} of {all:.0f} classes occur: the generator leaves some out.",
            found=seen.figures["modes"],
            all=seen.floors["modes"],
        )
    return ""


def _narrow(seen: Observed) -> str:
    if seen.share("coverage") < POOR:
        return N_(
            "Many images look real, but they are too much alike: a large part of the data is never made."
        )
    return ""


def _as_real(seen: Observed) -> str:
    if _as_good_as_real(seen):
        return N_("By these figures the images are nearly as good and as varied as real ones.")
    return ""


def _on_the_way(_seen: Observed) -> str:
    return N_("Many images look real and they are varied; there is still something to gain.")


# --- points ---------------------------------------------------------------------------------------


def _begun(seen: Observed) -> str:
    if seen.beginning and "modes" in seen.floors and seen.share("modes") < 1:
        return Message(
            "Training has only begun: {found:.0f} of {all:.0f} clusters are found so far.",
            found=seen.figures["modes"],
            all=seen.floors["modes"],
        )
    return ""


def _heap(seen: Observed) -> str:
    if seen.sign("extent") < SHRUNKEN and not seen.beginning:
        return N_("Nearly all generated points are in one place: mode collapse.")
    return ""


def _clusters_left_out(seen: Observed) -> str:
    """Return a sentence if some clusters are nearest to hardly any sample, however precise the samples are."""
    every = seen.floors.get("modes", 0.0)
    # Without the nearest centres, only precise samples show which clusters are served.
    precise = seen.share("high_quality") >= POOR
    found = seen.signs.get("served", seen.figures.get("modes", every) if precise else every)
    if found < every:
        return Message(
            "Only {found:.0f} of {all:.0f} clusters receive points, the others are left out: mode collapse.",
            found=found,
            all=every,
        )
    return ""


def _imprecise(seen: Observed) -> str:
    if "high_quality" not in seen.figures or seen.share("high_quality") >= POOR:
        return ""
    if "served" in seen.signs:
        return Message(
            "Points are made around all {all:.0f} clusters, but only {share:.0%} of them hit one.",
            all=seen.floors["modes"],
            share=seen.figures["high_quality"],
        )
    return Message(
        "Only {share:.0%} of the points hit a cluster.",
        share=seen.figures["high_quality"],
    )


def _off_the_mark(seen: Observed) -> str:
    if "high_quality" not in seen.figures:
        return ""
    if seen.share("modes") < 1:
        return Message(
            "Points are made around all {all:.0f} clusters, but {missed:.0f} of these are not hit yet.",
            all=seen.floors["modes"],
            missed=seen.floors["modes"] - seen.figures.get("modes", 0.0),
        )
    if seen.share("high_quality") < GOOD:
        return N_("All clusters are found, but many points are between them.")
    return ""


def _unbalanced(seen: Observed) -> str:
    if seen.figures.get("reverse_kl", 0.0) > UNBALANCED:
        return N_("All clusters are found, but some get far too many points.")
    return ""


def _clusters_as_real(seen: Observed) -> str:
    return (
        N_("By these figures the points are nearly indistinguishable from real ones.")
        if "modes" in seen.figures
        else ""
    )


def _cloud(seen: Observed) -> str:
    times = seen.share("sliced_wasserstein")
    if times <= 2:
        return N_("By these figures the points are nearly indistinguishable from real ones.")
    if times <= NEARLY:
        return N_("The points nearly match the distribution of the real ones.")
    return N_("The points do not match the distribution of the real ones yet.")


_BOTH = (
    _Rule("broken", _broken, ("frechet", "sliced_wasserstein")),
    _Rule("dead_discriminator", _dead, ("logit_spread", "grad_norm_g", "undecided")),
    _Rule("vanishing_gradients", _saturated, ("accuracy_real", "accuracy_fake", "grad_norm_g")),
)

IMAGE_RULES = (
    *_BOTH,
    _Rule("unlike", _unlike, ("precision", "density")),
    _Rule("narrow", _narrow, ("coverage",)),
    _Rule("partial_collapse", _classes_missing, ("modes",)),
    _Rule("as_real", _as_real, ("precision", "coverage")),
    _Rule("on_the_way", _on_the_way, ("precision", "coverage")),
)
POINT_RULES = (
    *_BOTH,
    _Rule("beginning", _begun, ("modes",)),
    _Rule("collapse", _heap, ("extent", "modes")),
    _Rule("partial_collapse", _clusters_left_out, ("served", "modes", "high_quality")),
    _Rule("imprecise", _imprecise, ("served", "high_quality")),
    _Rule("off_the_mark", _off_the_mark, ("modes", "high_quality")),
    _Rule("unbalanced", _unbalanced, ("reverse_kl",)),
    _Rule("as_real", _clusters_as_real, ("modes", "high_quality", "reverse_kl")),
    _Rule("cloud", _cloud, ("sliced_wasserstein",)),
)
