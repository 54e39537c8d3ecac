"""What the figures say, in one sentence that a teacher would say.

Each rule looks at the figures beside what perfect samples score; the first that applies speaks. The
bounds are rules of thumb, wide enough that a few samples more or less do not change the sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ganwidgets.messages import Message, N_

__all__ = ["verdict"]

Figures = Mapping[str, float]

POOR, GOOD = 0.5, 0.85
"""Shares of what perfect samples score, below which and from which on a figure is poor, or good."""


def verdict(kind: str, figures: Figures, floors: Figures) -> str:
    """Return one sentence on how good the samples are; empty where nothing can be said yet.

    Parameters
    ----------
    kind : {"points", "images"}
    figures, floors : mapping of str to float
        As `evaluate` and `floors` of the trainer return them.
    """
    if not figures or not floors:
        return ""
    if any(math.isinf(figures.get(name, 0.0)) for name in ("frechet", "sliced_wasserstein")):
        return N_("The generator returns broken numbers.")
    rules = _IMAGES if kind == "images" else _POINTS
    return next((said for rule in rules if (said := rule(figures, floors))), "")


def _share(name: str, figures: Figures, floors: Figures) -> float:
    """Return a figure as a share of what perfect samples score; 1 where there is no such figure."""
    perfect = floors.get(name, 0.0)
    return figures.get(name, perfect) / perfect if perfect else 1.0


def _unlike(figures: Figures, floors: Figures) -> str:
    if _share("precision", figures, floors) < POOR and _share("density", figures, floors) < POOR:
        return N_("Most images do not look real yet.")
    return ""


def _classes_missing(figures: Figures, floors: Figures) -> str:
    if figures.get("modes", 0.0) < floors.get("modes", 0.0) * 0.95:
        return Message(
            "The images look real, but only {found:.0f} of {all:.0f} classes occur: the generator leaves some out.",
            found=figures["modes"],
            all=floors["modes"],
        )
    return ""


def _narrow(figures: Figures, floors: Figures) -> str:
    if _share("coverage", figures, floors) < POOR:
        return N_(
            "Many images look real, but they are too much alike: a large part of the data is never made."
        )
    return ""


def _as_real(figures: Figures, floors: Figures) -> str:
    if min(_share("precision", figures, floors), _share("coverage", figures, floors)) >= GOOD:
        return N_("By these figures the images are nearly as good and as varied as real ones.")
    return ""


def _on_the_way(_figures: Figures, _floors: Figures) -> str:
    return N_("Many images look real and they are varied; there is still something to gain.")


def _clusters_missing(figures: Figures, floors: Figures) -> str:
    if figures.get("modes", 0.0) < floors.get("modes", 0.0):
        return Message(
            "Only {found:.0f} of {all:.0f} clusters are found: mode collapse, or the beginning of training.",
            found=figures["modes"],
            all=floors["modes"],
        )
    return ""


def _off_the_mark(figures: Figures, floors: Figures) -> str:
    if "high_quality" in figures and _share("high_quality", figures, floors) < GOOD:
        return N_("All clusters are found, but many points lie between them.")
    return ""


def _unbalanced(figures: Figures, _floors: Figures) -> str:
    if figures.get("reverse_kl", 0.0) > 0.1:
        return N_("All clusters are found, but some get far too many points.")
    return ""


def _clusters_as_real(figures: Figures, _floors: Figures) -> str:
    return N_("By these figures the points can hardly be told from real ones.") if "modes" in figures else ""


def _cloud(figures: Figures, floors: Figures) -> str:
    times = _share("sliced_wasserstein", figures, floors)
    if times <= 2:
        return N_("By these figures the points can hardly be told from real ones.")
    if times <= 6:
        return N_("The points lie nearly as the real ones do.")
    return N_("The points do not lie as the real ones do yet.")


_IMAGES: tuple[Callable[[Figures, Figures], str], ...] = (
    _unlike,
    _narrow,
    _classes_missing,
    _as_real,
    _on_the_way,
)
_POINTS: tuple[Callable[[Figures, Figures], str], ...] = (
    _clusters_missing,
    _off_the_mark,
    _unbalanced,
    _clusters_as_real,
    _cloud,
)
