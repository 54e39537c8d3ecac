"""Built-in rules. The user must arm them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganwidgets.diagnosis.remedies import unusual
from ganwidgets.diagnosis.rules.rule import DIVERGED, ONSET, Rule
from ganwidgets.diagnosis.signals import Signals
from ganwidgets.games import DEFAULT, Game
from ganwidgets.runs.state.user_parts import chosen_game

__all__ = ["built_in_rules"]

STRONG, WEAK = 0.97, 0.3
"""Bounds of D's mean accuracy outside which `balance` changes its learning rate (tuned)."""


def built_in_rules(game: Game | str | None = None) -> tuple[Rule, ...]:
    """Return the built-in rules for `game`, by default those for a generator against a discriminator.

    For other games these are ``back off`` and ``back off early``, which change the rates of all players.

    Rules on findings apply the first remedy of the finding; see :mod:`ganwidgets.diagnosis.remedies`. If the symptom
    damages the networks, the rule first goes back to before its onset, on a new branch. ``balance`` keeps D's mean
    accuracy between .3 and .97 (.5 at an equilibrium) by its learning rate, within 1/4 and 2 times the armed rate.
    3D-GAN (Wu et al. 2016) skips D above .8, and gap-aware learning rates (AISTATS 2023) scale lr_d. ``back off`` goes
    back after a divergence; it sets usual learning rates, or halves rates that are usual. ``spread`` and ``spread
    more`` act on partial and whole collapse (R3GAN 2024), ``calm`` on oscillation (Mescheder, Geiger and Nowozin 2018),
    ``free`` on a saturated D, ``strengthen`` on a weak D. ``shorten`` acts on exploding gradients, ``revive`` on
    vanishing gradients, ``generalise`` on overfitting (ADA, Karras et al. 2020), ``hurry`` on stagnation.
    """
    game = chosen_game(game or DEFAULT, {})
    if not game.from_noise:
        rates = {f"lr_{player.letter}": "* 0.5" for player in game.players}
        return (
            Rule("back off", DIVERGED, rates, cooldown=0, limit=8, back=100, game=game),
            Rule("back off early", "diverging", rates, cooldown=300, limit=3, back=100, game=game),
        )
    bounds = {"lr_d": (0.25, 2.0)}
    regulated = {"cooldown": 50, "bounds": bounds, "continuous": True}
    return (
        Rule("balance, D strong", _strong, {"lr_d": "* 0.8"}, **regulated),  # type: ignore[arg-type]
        Rule("balance, D weak", _weak, {"lr_d": "* 1.25"}, **regulated),  # type: ignore[arg-type]
        Rule("back off", DIVERGED, _gentler, cooldown=0, limit=8, back=200),
        Rule("back off early", "diverging", "remedy", cooldown=200, limit=4, back=ONSET),
        Rule("shorten", "exploding_gradients", "remedy", cooldown=200, limit=3, back=ONSET),
        Rule("calm", "oscillation", "remedy", cooldown=300, limit=4, back=ONSET),
        Rule("spread", "partial_collapse", "remedy", cooldown=500, limit=3, back=ONSET),
        Rule("spread more", "collapse", "remedy", cooldown=300, limit=4, back=ONSET),
        Rule("free", "d_saturated", "remedy", cooldown=200, limit=4, back=ONSET),
        Rule("revive", "vanishing_gradients", "remedy", cooldown=300, limit=3, back=ONSET),
        Rule("strengthen", "d_weak", "remedy", cooldown=300, limit=4, back=ONSET),
        Rule("generalise", "overfitting", "remedy", cooldown=500, limit=3),
        Rule("hurry", "too_slow", "remedy", cooldown=200, limit=4),
    )


SETTLED = 200
"""Iterations before which D's accuracy is not evaluated."""


def _accuracy(seen: Signals) -> float:
    """Return D's mean accuracy over 100 iterations; NaN at the beginning, and for a Wasserstein critic."""
    if seen.iteration < SETTLED or seen.settings["loss"] == "wasserstein":
        return math.nan
    series = [seen.series(name) for name in ("accuracy_real", "accuracy_fake")]
    newest = [each.values[each.iterations > seen.iteration - 100] for each in series]
    return float(np.mean([values.mean() if len(values) else math.nan for values in newest]))


def _strong(seen: Signals) -> str:
    accuracy = _accuracy(seen)
    return f"accuracy {accuracy:.3g} > {STRONG}" if accuracy > STRONG else ""


def _weak(seen: Signals) -> str:
    accuracy = _accuracy(seen)
    return f"accuracy {accuracy:.3g} < {WEAK}" if accuracy < WEAK else ""


def _gentler(rules: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return usual values, or half of both learning rates if all values are usual."""
    return unusual(rules) or {"lr_d": rules["lr_d"] / 2, "lr_g": rules["lr_g"] / 2}
