"""Games: players, losses and data of each kind of training, one module a game."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ganwidgets.games.adversarial_training import AdversarialTraining
from ganwidgets.games.cyclegan import CycleGAN
from ganwidgets.games.definitions import settings_of
from ganwidgets.games.game import (
    Batch,
    Diagram,
    Exhibit,
    Feed,
    Flow,
    Game,
    Node,
    Player,
    Scored,
    Stage,
    Stream,
    StreamShape,
    Turn,
)
from ganwidgets.games.gan import GAN
from ganwidgets.games.pix2pix import Pix2Pix

__all__ = [
    "DEFAULT",
    "GAMES",
    "GAN",
    "Batch",
    "Diagram",
    "Exhibit",
    "Feed",
    "Flow",
    "Game",
    "Node",
    "Player",
    "Scored",
    "Stage",
    "Stream",
    "StreamShape",
    "Turn",
    "named",
    "settings_of",
]

GAMES: Mapping[str, type[Game]] = MappingProxyType(
    {game.name: game for game in (GAN, Pix2Pix, CycleGAN, AdversarialTraining)}
)
"""Every built-in game, by its name."""

DEFAULT = GAN.name
"""Name of the game if a call or a stored run names none."""


def named(game: Game) -> dict[str, str]:
    """Return ``{"game": name}``, as runs store it; empty for the default game."""
    return {} if game.name == DEFAULT else {"game": game.name}
