"""Remedies for each symptom, as changes of settings.

They are ordered by evidence: first results of papers on several data sets, then common practice. No remedy works in
every case ("Repairing deep neural network architecture: are we there yet?", 2023, found automatic repairs no better
than random ones). So a remedy is a proposal to test beside the unchanged run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ganwidgets.diagnosis.finding import Remedy
from ganwidgets.messages import Message, N_
from ganwidgets.modality import MODALITIES
from ganwidgets.settings import SETTINGS

__all__ = ["remedies"]

Rules = Mapping[str, Any]


def remedies(symptom: str, rules: Rules, kind: str) -> tuple[Remedy, ...]:
    """Return the remedies for `symptom` under the settings `rules`, without those already in force.

    Parameters
    ----------
    symptom : str
    rules : mapping
        Settings in force.
    kind : str
        Of the data.
    """
    made = (make(rules) for make in _TABLE.get(symptom, ()))
    return tuple(
        remedy
        for remedy in made
        if remedy is not None and (MODALITIES[kind].augmentable or "augment" not in remedy.changes)
    )


Maker = Callable[[Rules], Remedy | None]


USUAL_RATES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "adam": (2e-4, 4e-3),
        "adamw": (2e-4, 4e-3),
        "rmsprop": (5e-5, 4e-3),
        "sgd": (1e-3, 0.1),
        "momentum": (1e-3, 0.1),
    }
)
"""Lowest and highest usual learning rate of an optimizer (tuned).

WGAN trains with RMSProp at 5e-5, WGAN-GP with Adam at 1e-4, DCGAN at 2e-4; the recommended settings of the presets have 5e-4
to 2e-3.
"""

USUAL_BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"beta1": (0.5, 0.0), "d_steps": (2, 1), "g_steps": (2, 1), "penalty_weight": (100.0, 1.0)}
)
"""Highest usual value of a setting, and a value to start from: DCGAN's beta 1 is .5."""

CRITIC_STEPS = 5
"""Usual number of updates of a Wasserstein critic (Arjovsky et al. 2017)."""


def unusual(rules: Rules) -> dict[str, Any]:
    """Return usual values for the `rules` that are outside their usual range, by name.

    A learning rate becomes its default. An optimizer without adaptive scaling becomes Adam if its rate is unusual. A
    Wasserstein critic without a bound gets the gradient penalty of WGAN-GP. The minimax loss gives G no gradient if D
    is good (Goodfellow et al. 2014, section 3), so it becomes the non-saturating loss.
    """
    found: dict[str, Any] = {}
    for player in "dg":
        name, optimizer = f"lr_{player}", f"optimizer_{player}"
        low, high = USUAL_RATES.get(rules[optimizer], (0.0, math.inf))
        if low <= rules[name] <= high:
            continue
        found[name] = SETTINGS[name].initial
        if rules[optimizer] in {"sgd", "momentum"}:
            found[optimizer] = "adam"
    found |= {name: begin for name, (most, begin) in USUAL_BOUNDS.items() if rules[name] > most}
    if rules["loss"] == "wasserstein" and rules["d_steps"] <= CRITIC_STEPS:
        found.pop("d_steps", None)
    if rules["loss"] == "minimax":
        found["loss"] = "non_saturating"
    if rules["loss"] == "wasserstein" and rules["penalty"] == "none" and rules["weight_clip"] == 0:
        found |= {"penalty": "gradient_penalty", "penalty_weight": 10.0}
    elif rules["penalty"] == "none":
        found.pop("penalty_weight", None)
    return found


def _usual(rules: Rules) -> Remedy | None:
    """Propose usual values for all unusual settings."""
    changes = unusual(rules)
    if not changes:
        return None
    return Remedy(N_("Usual values"), MappingProxyType(changes))


def _scaled(name: str, factor: float) -> Maker:
    """Propose the product of a setting and a factor, within its bounds."""

    def make(rules: Rules) -> Remedy | None:
        before = rules[name]
        setting: Any = SETTINGS[name]
        low, high = setting.min, setting.max
        if name.startswith("lr_"):  # remedies keep learning rates in the usual range
            usual = USUAL_RATES.get(rules[f"optimizer_{name[-1]}"], (low, high))
            low, high = min(usual[0], before), max(usual[1], before)
        after = float(f"{min(max(before * factor, low), high):.3g}")
        if after == before:
            return None
        label = Message(
            "{setting} from {before:.3g} to {after:.3g}",
            setting=Message(setting.label),
            before=before,
            after=after,
        )
        return Remedy(label, MappingProxyType({name: after}))

    return make


def _with(label: str, *, fresh_start: bool = False, **changes: Any) -> Maker:
    """Propose fixed values."""

    def make(rules: Rules) -> Remedy | None:
        if all(rules[name] == value for name, value in changes.items()):
            return None
        return Remedy(label, MappingProxyType(changes), fresh_start)

    return make


def _penalty(kind: str, weight: float) -> Maker:
    """Propose a penalty if none is in force, and twice its weight otherwise."""

    def make(rules: Rules) -> Remedy | None:
        if rules["penalty"] == "none":
            return _with(N_("Add a penalty on D's slope"), penalty=kind, penalty_weight=weight)(rules)
        return _scaled("penalty_weight", 2)(rules)

    return make


def _released(player: str) -> Maker:
    """Propose to release a frozen network."""

    def make(rules: Rules) -> Remedy | None:
        if not rules[f"freeze_{player}"]:
            return None
        label = N_("Release D") if player == "d" else N_("Release G")
        return Remedy(label, MappingProxyType({f"freeze_{player}": False}))

    return make


def _one(name: str, label: str) -> Maker:
    """Propose a count of 1."""

    def make(rules: Rules) -> Remedy | None:
        return None if rules[name] == 1 else Remedy(label, MappingProxyType({name: 1}))

    return make


def _less_penalty(rules: Rules) -> Remedy | None:
    return None if rules["penalty"] == "none" else _scaled("penalty_weight", 0.1)(rules)


def _clipped(rules: Rules) -> Remedy | None:
    label = N_("Shorten long gradients")
    if rules["grad_clip"] == 0:
        return Remedy(label, MappingProxyType({"grad_clip": 1.0}))
    return _scaled("grad_clip", 0.5)(rules)


def _no_momentum(rules: Rules) -> Remedy | None:
    return None if rules["beta1"] == 0 else Remedy(N_("No momentum"), MappingProxyType({"beta1": 0.0}))


def _relativistic(rules: Rules) -> Remedy | None:
    if rules["loss"] == "relativistic" and rules["penalty"] == "r1_r2":
        return None
    weight = rules["penalty_weight"] if rules["penalty"] != "none" else 0.1
    changes = {"loss": "relativistic", "penalty": "r1_r2", "penalty_weight": weight}
    return Remedy(N_("Relativistic loss with R1 and R2"), MappingProxyType(changes))


def _packed(rules: Rules) -> Remedy | None:
    if rules["packing"] > 1 or rules["conditional"]:
        return None
    return Remedy(
        N_("Let D judge two samples at once, from a fresh start"), MappingProxyType({"packing": 2}), True
    )


def _augmented(rules: Rules) -> Remedy | None:
    """Propose adaptive augmentation of images (ADA), whose strength follows D's overfitting."""
    if rules["augment"] == "ada":
        return None
    return Remedy(N_("Augment images as far as D overfits (ADA)"), MappingProxyType({"augment": "ada"}))


def _averaged(rules: Rules) -> Remedy | None:
    return None if rules["ema_decay"] > 0 else Remedy(N_("Average G"), MappingProxyType({"ema_decay": 0.99}))


_TABLE: Mapping[str, tuple[Maker, ...]] = MappingProxyType(
    {
        # Where one network is frozen, that comes first: the game of two is not played.
        # R3GAN: 1,000 stacked modes against 693; PacGAN: 99 -> 1,000.
        "collapse": (
            _released("d"),
            _released("g"),
            _usual,
            _one("g_steps", N_("One update of G a step")),
            _relativistic,
            _packed,
            _scaled("lr_g", 0.1),
        ),
        "partial_collapse": (
            _released("d"),
            _released("g"),
            _usual,
            _relativistic,
            _packed,
            _one("g_steps", N_("One update of G a step")),
            _scaled("lr_g", 0.5),
        ),
        # Goodfellow et al. 2014, section 3; gap-aware learning rates (AISTATS 2023) lower lr_d by at most 10.
        "d_saturated": (
            _released("g"),
            _usual,
            lambda rules: (
                _with(N_("Non-saturating loss"), loss="non_saturating")(rules)
                if rules["loss"] == "minimax"
                else None
            ),
            _scaled("lr_d", 0.1),
            _one("d_steps", N_("One update of D a step")),
            _penalty("r1", 0.1),
            _scaled("lr_g", 10),
        ),
        "d_weak": (
            _released("d"),
            _usual,
            _scaled("lr_d", 10),
            _one("g_steps", N_("One update of G a step")),
            _less_penalty,
            _scaled("lr_g", 0.1),
        ),
        # Averaging: Yazici et al. 2019; R1: Mescheder, Geiger and Nowozin 2018.
        "oscillation": (
            _released("d"),
            _released("g"),
            _usual,
            _penalty("r1", 0.1),
            _no_momentum,
            _scaled("lr_d", 0.3),
            _scaled("lr_g", 0.3),
            _averaged,
        ),
        "diverging": (_usual, _scaled("lr_d", 0.1), _scaled("lr_g", 0.1), _clipped),
        # ADA (Karras et al. 2020) where images can be augmented.
        "overfitting": (_augmented, _penalty("r1", 0.1), _scaled("lr_d", 0.3)),
        "vanishing_gradients": (
            lambda rules: (
                _with(N_("Non-saturating loss"), loss="non_saturating")(rules)
                if rules["loss"] == "minimax"
                else None
            ),
            _with(N_("Leaky ReLU, from a fresh start"), fresh_start=True, activation="leaky_relu"),
            _scaled("lr_d", 0.1),
        ),
        "exploding_gradients": (_usual, _clipped, _penalty("r1", 0.1), _scaled("lr_d", 0.1)),
        "too_slow": (_released("g"), _released("d"), _usual, _scaled("lr_g", 10), _scaled("lr_d", 10)),
        "dead_units": (
            _with(N_("Leaky ReLU, from a fresh start"), fresh_start=True, activation="leaky_relu"),
            _scaled("lr_d", 0.3),
        ),
    }
)
