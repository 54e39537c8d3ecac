"""Definitions of a game's settings: common ones, a block for each player, and the game's own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ganwidgets.games.game import Game, Player
from ganwidgets.messages import Message, N_
from ganwidgets.settings import SETTINGS
from ganwidgets.settings.types import Setting

__all__ = ["names_of_every_game", "settings_of"]

COMMON = (
    "batch_size", "beta1", "beta2", "weight_decay", "grad_clip", "precision", "lr_schedule", "schedule_steps", "schedule_end",
    "data", "holdout", "seed",
)  # fmt: skip
"""Settings of every game."""

PLAYER: Mapping[str, str] = {
    "lr_{}": N_("Learning rate of {player}"),
    "{}_steps": N_("Updates of {player}"),
    "optimizer_{}": N_("Optimizer of {player}"),
    "freeze_{}": N_("Freeze {player}"),
}
"""Labels of the settings of every player, by a pattern that the player's letter fills."""


def names_of_every_game(game: Game) -> frozenset[str]:
    """Return the names of the settings that `game` has besides its own."""
    if game.lists_all_settings:
        return frozenset()
    of_players = (pattern.format(player.letter) for player in game.players for pattern in PLAYER)
    averages = ("ema_decay", "ema_rampup") if any(player.averaged for player in game.players) else ()
    return frozenset({*of_players, *averages, *COMMON})


def settings_of(game: Game, *, defaults: bool = True) -> Mapping[str, Setting[Any]]:
    """Return the definitions of all settings of `game` by name; its own defaults apply unless `defaults` is False.

    A player's settings copy those of the classic discriminator, with the player's label in their labels.
    """
    if game.lists_all_settings:
        return game.settings
    found: dict[str, Setting[Any]] = {}
    for player in game.players:
        for pattern, label in PLAYER.items():
            found[pattern.format(player.letter)] = _of_player(pattern, label, player)
    averaged = [player for player in game.players if player.averaged]
    if averaged:
        who = Message(averaged[0].label) if len(averaged) == 1 else Message(N_("the networks"))
        label = Message(N_("Averaging of {player}"), player=who)
        found |= {
            "ema_decay": _with(SETTINGS["ema_decay"], label=label),
            "ema_rampup": SETTINGS["ema_rampup"],
        }
    found |= {**dict(game.settings), **{name: SETTINGS[name] for name in COMMON}}
    for name, value in game.defaults.items() if defaults else ():
        found[name] = _with(found[name], default_value=value, initial=value)
    return {name: _with(setting, name=name) for name, setting in found.items()}


def _of_player(pattern: str, label: str, player: Player) -> Setting[Any]:
    name = Message(label, player=Message(player.label))
    return _with(SETTINGS[pattern.format("d")], label=name, group=player.name)


def _with(setting: Setting[Any], **changed: Any) -> Setting[Any]:
    """Return a copy of a definition with changed attributes."""
    copied = copy.copy(setting)
    for attribute, value in changed.items():
        setattr(copied, attribute, value)
    return copied
