"""Colour of each part of a game, the same in cards, curves, diagram, points and exported files.

Four tones have a fixed meaning: ``d`` a discriminator, ``g`` a generator, ``real`` and ``generated`` samples. All other
parts get other tones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ganwidgets.games.game import Exhibit, Game, Player

__all__ = ["OTHERS", "column_tones", "exhibit_tones", "network_tones", "player_tones"]

OTHERS = ("other-1", "other-2", "other-3")
"""Tones without a fixed meaning."""

ROLES: Mapping[str, str] = {"discriminator": "d", "generator": "g"}


def player_tones(players: Iterable[Player]) -> dict[str, str]:
    """Return the tone of each player, by its name.

    >>> player_tones([Player("critic", "c", "Critic", ("critic",)), Player("generator", "g", "G", ("generator",))])
    {'critic': 'other-1', 'generator': 'g'}
    """
    found: dict[str, str] = {}
    for player in players:
        known = ROLES.get(player.role or "", player.letter if player.letter in ROLES.values() else "")
        found[player.name] = known or _other(found.values())
    return found


def exhibit_tones(exhibits: Iterable[Exhibit]) -> dict[str, str]:
    """Return the tone of each exhibit, by its name."""
    found: dict[str, str] = {}
    for exhibit in exhibits:
        found[exhibit.name] = exhibit.role or _other(found.values())
    return found


def network_tones(game: Game) -> dict[str, str]:
    """Return the tone of each network that a player moves, by the network's name."""
    tones = player_tones(game.players)
    return {name: tones[player.name] for player in game.players for name in player.networks}


def column_tones(game: Game) -> dict[str, str]:
    """Return the tone of each column of the history that is drawn, by its name."""
    tones = player_tones(game.players)
    found = {f"loss_{player.letter}": tones[player.name] for player in game.players}
    others: list[str] = []
    for name in (*game.terms, *game.measures):
        others.append(_other(others))
        found[name] = others[-1]
    return found


def _other(taken: Iterable[str]) -> str:
    """Return the next tone without a fixed meaning, cyclically."""
    used = sum(tone in OTHERS for tone in taken)
    return OTHERS[used % len(OTHERS)]
