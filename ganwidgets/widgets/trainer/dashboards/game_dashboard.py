"""The panels of a game's widget, created from the game's declarations."""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from ganwidgets.games import Game, settings_of
from ganwidgets.messages import Catalog, Message, N_
from ganwidgets.rendering.drawing.phrases import spell_loss
from ganwidgets.rendering.drawing.tones import OTHERS, player_tones
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.controls import Control
from ganwidgets.widgets.panels.charts.game_curves import GameCurvesPanel
from ganwidgets.widgets.panels.exhibits.diagram import DiagramPanel
from ganwidgets.widgets.panels.exhibits.exhibits import ExhibitsPanel
from ganwidgets.widgets.panels.exhibits.view import ExhibitsView
from ganwidgets.widgets.panels.status.panel import Cell, StatusPanel
from ganwidgets.widgets.panels.transport.panel import ACTIONS
from ganwidgets.widgets.panels.walk.game_panel import GameWalkPanel
from ganwidgets.widgets.trainer.dashboards.connections import Connections
from ganwidgets.widgets.trainer.dashboards.control_groups import TABS, Card, ControlGroups
from ganwidgets.widgets.trainer.dashboards.dashboard import Dashboard
from ganwidgets.widgets.trainer.dashboards.panel import Panel

if TYPE_CHECKING:
    from ganwidgets.live.frames.game_camera import GameFrame

__all__ = ["GameDashboard", "actions_of"]

IMAGES = 8
"""Number of samples of each exhibit of images in a frame."""

CARDS = {"d": "discriminator", "g": "generator", **{tone: tone for tone in OTHERS}}
"""CSS class of a player's card, by the player's tone."""


def actions_of(game: Game) -> dict[str, tuple[str, str]]:
    """Return the buttons of a game: those of the classic one, with a step for each player."""
    single = {
        f"step_{player.letter}": (Message("Step {player}", player=player.letter.upper()), player.label)
        for player in game.players
    }
    found: dict[str, tuple[str, str]] = {}
    for name, texts in ACTIONS.items():
        if name == "step":
            found[name] = texts[0], N_("Train one full step: every player in turn.")
            found.update(single)
        elif name not in {"step_d", "step_g"}:
            found[name] = texts
    return found


class GameStatus(StatusPanel):
    """The status line with the losses of a game's players, which the diagram may show too."""

    def __init__(
        self, catalog: Catalog, game: Game, look: SharedStyle, below: Sequence[ipywidgets.Widget]
    ) -> None:
        self._players = [(f"loss_{player.letter}", player) for player in game.players]
        self._tones = player_tones(game.players)
        self._in_diagram = set() if game.diagram is None else {node.name for node in game.diagram.nodes}
        super().__init__(catalog, look, below)

    def cells(self, frame: Any) -> list[Cell]:
        losses = [
            Cell(
                Message("loss of {player}", player=Message(player.label)),
                spell_loss(frame.record.get(column)),
                self._tones[player.name],
                in_overview=column in self._in_diagram,
            )
            for column, player in self._players
        ]
        return [*self.progress(frame), *losses]


class FiguresPanel:
    """The latest values of a game's metrics."""

    name = "metrics"
    interval = 0.5

    def __init__(self, catalog: Catalog, game: Game, look: SharedStyle) -> None:
        self._catalog, self._game = catalog, game
        self._numbers = look.html("", "gw-metric-numbers")
        self.widget = look.part(self.name, [self._numbers], f"gw-{self.name}")

    def draw(self, frame: GameFrame) -> None:
        """Show the values of `frame`."""
        t = self._catalog
        cells = []
        for name, metric in self._game.metrics.items():
            value = frame.latest_metrics.get(name, math.nan)
            text = f"{value:{metric.format}}" if math.isfinite(value) else "\N{EN DASH}"
            floor = self._game.floors.get(name)
            if floor is not None:
                text += f" ({t(N_('perfect: {value}'), value=f'{floor:{metric.format}}')})"
            cells.append(
                f'<span class="gw-cell" title="{html.escape(t(metric.help))}"><span class="gw-cell-label">'
                f'{html.escape(t(metric.label))}</span> <span class="gw-cell-value">{text}</span></span>'
            )
        self._numbers.value = f'<div class="gw-status-line">{"".join(cells)}</div>'


class GameDashboard(Dashboard):
    """The visible parts of a widget for any game but the classic one.

    Parameters
    ----------
    game : Game
    catalog : Catalog
        The reader's language.
    links : Connections
    """

    def __init__(self, game: Game, catalog: Catalog, links: Connections) -> None:
        super().__init__(catalog, links, settings_of(game), actions_of(game))
        look = self._look
        self.status = GameStatus(catalog, game, look, self._below_status)
        self.walk = GameWalkPanel(catalog, links.walk, game, look)
        self.exhibits = ExhibitsPanel(catalog, game.exhibits, look)
        self.graph = DiagramPanel(catalog, game, look)
        curves, figures = GameCurvesPanel(catalog, game, look), FiguresPanel(catalog, game, look)
        self.charts = curves.charts
        tones = player_tones(game.players)
        for player in game.players:
            self.transport.buttons[f"step_{player.letter}"].add_class(f"gw-edge-{tones[player.name]}")
        cards = [
            Card(
                look,
                catalog(player.label),
                self.controls.in_group(player.name),
                f"gw-card-{CARDS[tones[player.name]]}",
            )
            for player in game.players
        ]
        if objective := self.controls.in_group("objective"):
            cards.append(Card(look, self.controls.title("objective"), objective, "gw-card-objective"))
        overview = [self.graph.widget, look.box([card.widget for card in cards], "gw-players")]
        own = [name for name in game.settings if name in self.controls.controls]
        rates = [f"lr_{player.letter}" for player in game.players]
        updates = [f"{player.letter}_steps" for player in game.players]
        self._complete(
            ControlGroups(
                look, self.controls, cards, self._pages(game), {}, [*rates, *own, *updates, "batch_size"]
            ),
            [self.graph, self.exhibits, curves, figures],
            {
                "graph": look.part("graph", overview, "gw-game"),
                "curves": curves.widget,
                "metrics": figures.widget,
            },
            self.exhibits.widget,
        )

    def _pages(self, game: Game) -> dict[str, list[Control]]:
        """Return the controls of each tab: all that are on no card."""
        # Paired data cannot be chosen from a list.
        unplaced = () if len(game.streams) == 1 and not game.streams[0].paired else ("data",)
        on_cards = {"objective", *(player.name for player in game.players)}
        pages: dict[str, list[Control]] = {group: [] for group in TABS}
        for control in self.controls.controls.values():
            group = control.setting.group
            if group not in on_cards and control.name not in unplaced:
                pages[group if group in pages else "optimizer"].append(control)
        return {group: members for group, members in pages.items() if members}

    @property
    def picture_view(self) -> ExhibitsView:
        """The view of the exhibits that a class follows."""
        return self.exhibits.view

    @property
    def _pictures_drawn(self) -> Collection[Panel]:
        return (self.exhibits,)

    @property
    def pictures(self) -> int:
        """Number of images in a frame."""
        return IMAGES
