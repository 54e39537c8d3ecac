"""The rules that come with ganwidgets. None is armed before a user arms it."""

from __future__ import annotations

from ganwidgets.diagnosis.rules import DIVERGED, Rule
from ganwidgets.games import Game

__all__ = ["built_in_rules"]


def built_in_rules(game: Game | None = None) -> tuple[Rule, ...]:
    """Return the rules that come with ganwidgets; those for `game`, if it is not the classic one.

    For another game they are ``back off`` and ``back off early``, with the rates of all its players.

    ``balance`` holds the mean accuracy of D between .4 and .85 (.5 at an equilibrium) by its learning rate, within a tenth and ten times the
    rate at which it was armed: 3D-GAN (Wu et al. 2016) skips D above .8, and gap-aware learning rates (AISTATS 2023) scale
    lr_d within the same limits. ``back off`` goes back after a divergence and halves both rates. ``calm`` adds
    penalty under oscillation (Mescheder, Geiger and Nowozin 2018). ``spread`` and ``spread more`` apply the first remedy
    against a partial and a whole collapse (R3GAN 2024). ``free`` and ``strengthen`` do so if D saturates or is too weak,
    ``hurry`` if nothing moves.
    """
    if game is not None:
        rates = {f"lr_{player.letter}": "* 0.5" for player in game.players}
        return (
            Rule("back off", DIVERGED, rates, cooldown=0, limit=8, back=100, game=game),
            Rule("back off early", "diverging", rates, cooldown=300, limit=3, back=100, game=game),
        )
    bounds = {"lr_d": (0.1, 10.0)}
    regulated = {"cooldown": 20, "window": 50, "bounds": bounds, "continuous": True}
    return (
        Rule("balance, D strong", "accuracy > 0.85", {"lr_d": "* 0.8"}, **regulated),  # type: ignore[arg-type]
        Rule("balance, D weak", "accuracy < 0.4", {"lr_d": "* 1.25"}, **regulated),  # type: ignore[arg-type]
        Rule("back off", DIVERGED, {"lr_d": "* 0.5", "lr_g": "* 0.5"}, cooldown=0, limit=8, back=100),
        Rule("back off early", "diverging", "remedy", cooldown=300, limit=3, back=100),
        Rule("calm", "oscillation", "remedy", cooldown=500, limit=4),
        Rule("spread", "partial_collapse", "remedy", cooldown=1000, limit=2),
        Rule("spread more", "collapse", "remedy", cooldown=500, limit=3),
        Rule("free", "d_saturated", "remedy", cooldown=300, limit=4),
        Rule("strengthen", "d_weak", "remedy", cooldown=300, limit=4),
        Rule("hurry", "too_slow", "remedy", cooldown=300, limit=4),
    )
