"""The widget of any game but the classic one: traits, controls and pictures from what the game declares."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import ipywidgets
from traitlets import Float

from ganwidgets.errors import DataError
from ganwidgets.games import Game, settings_of
from ganwidgets.live.frames.game_camera import GameCamera
from ganwidgets.messages import Message
from ganwidgets.rendering.drawing.phrases import spell_count
from ganwidgets.rendering.pictures.exhibits import poster_of
from ganwidgets.settings import SETTINGS
from ganwidgets.widgets.browser.kernel.link_refusal import InKernelOnly
from ganwidgets.widgets.trainer.dashboards.game_dashboard import GameDashboard, actions_of
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = ["widget_class"]


class GameWidget(GANTrainerWidget):
    """Watch a game train, and steer it while it trains; see :class:`GANTrainerWidget`."""

    game: Game

    def _offer_starts(self) -> None:
        """Do nothing: recommended settings exist only for the classic game."""

    def _picture(self) -> bytes:
        frame = self._camera.take()
        exhibits: Any = frame.exhibits
        caption = f"{self._catalog(self.game.label)}, {spell_count(frame.iteration)}"
        return poster_of(self.game.exhibits, exhibits, caption, self._catalog)


def widget_class(game: Game) -> type[GANTrainerWidget]:
    """Return the widget class for `game`, with every setting of the game as a trait.

    Raises
    ------
    DataError
        If a setting has the name of another attribute of widgets.
    """
    for name in game.settings:
        if name not in SETTINGS and hasattr(GANTrainerWidget, name):
            raise DataError(
                Message(
                    "the widget of the game {game} cannot have the setting {name!r}, because each widget has {name} "
                    "already; choose another name",
                    game=game.name,
                    name=name,
                )
            )
    definitions = settings_of(game)
    losses = tuple(f"loss_{player.letter}" for player in game.players)
    traits: dict[str, Any] = {name: copy.copy(setting) for name, setting in definitions.items()}
    for name, player in zip(losses, game.players, strict=True):
        traits[name] = Float(float("nan"), read_only=True, help=f"The last loss of {player.name}.")
    for name, trait in traits.items():
        if not hasattr(ipywidgets.VBox, name):
            # Copies share their metadata with the definitions of other games and of the classic widget.
            trait.metadata = {**trait.metadata, "sync": InKernelOnly(name)}
    return type(
        "GameWidget",
        (GameWidget,),
        {
            **traits,
            "game": game,
            "_definitions": definitions,
            "_losses": losses,
            "_actions": actions_of(game),
            "_make_camera": GameCamera,
            "_make_dashboard": partial(GameDashboard, game),
        },
    )
