"""The panels of a game's widget, created from the game's declarations."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from ganwidgets.data import IMAGE_PRESETS, POINT_PRESETS, Source
from ganwidgets.diagnosis import Remedy
from ganwidgets.games import Game, settings_of
from ganwidgets.live.observations import Focus
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, Message, N_
from ganwidgets.rendering.drawing.tones import OTHERS, player_tones
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.trainer.what_if import WhatIf
from ganwidgets.widgets.browser.page.heartbeat import Heartbeat, ViewListener, gone_words
from ganwidgets.widgets.browser.style.shared_style import SharedStyle, classed
from ganwidgets.widgets.controls.controls import GROUPS, ControlSet
from ganwidgets.widgets.panels.charts.game_curves import GameCurvesPanel
from ganwidgets.widgets.panels.exhibits.diagram import DiagramPanel
from ganwidgets.widgets.panels.exhibits.exhibits import ExhibitsPanel
from ganwidgets.widgets.panels.exhibits.view import ExhibitsView
from ganwidgets.widgets.panels.export.panel import SavingPanel
from ganwidgets.widgets.panels.health.checkup import Checkup, Trial
from ganwidgets.widgets.panels.health.panel import HealthPanel
from ganwidgets.widgets.panels.own_panels import own_panels
from ganwidgets.widgets.panels.sentences.what_if import WhatIfPanel
from ganwidgets.widgets.panels.status.panel import StatusPanel
from ganwidgets.widgets.panels.status.unstored import UnstoredPanel
from ganwidgets.widgets.panels.timeline.panel import TimelinePanel
from ganwidgets.widgets.panels.transport.panel import ACTIONS, Transport
from ganwidgets.widgets.panels.walk.game_panel import GameWalkPanel
from ganwidgets.widgets.trainer.dashboards.arrangement import MainRow
from ganwidgets.widgets.trainer.dashboards.dashboard import Panel, Preparing, descendants
from ganwidgets.widgets.trainer.layout.layout_tools import LABELS, LayoutTools
from ganwidgets.widgets.trainer.layout.layout_values import PANELS, PRESETS
from ganwidgets.widgets.trainer.tour.guided_tour import GuidedTour

if TYPE_CHECKING:
    from ganwidgets.live import RunState
    from ganwidgets.live.frames.game_camera import GameFrame

__all__ = ["GameDashboard", "actions_of"]

CARDS = {"d": "discriminator", "g": "generator", **{tone: tone for tone in OTHERS}}
"""CSS class of a player's card, by the player's tone."""

WHOLE = (
    "transport",
    "status",
    "health",
    "graph",
    "samples",
    "curves",
    "metrics",
    "walk",
    "timeline",
    "settings",
    "what_if",
    "export",
)
"""The panels of the preset ``full``, in the order of these games."""

TABS = ("objective", "optimizer", "run", "fresh start")


def actions_of(game: Game) -> dict[str, tuple[str, str]]:
    """Return the buttons of a game: those of the classic one, with a step for each player."""
    single = {
        f"step_{player.letter}": (Message("Step {player}", player=player.letter.upper()), player.label)
        for player in game.players
    }
    found: dict[str, tuple[str, str]] = {}
    for name, told in ACTIONS.items():
        if name == "step":
            found[name] = told[0], N_("Train one full step: every player in turn.")
            found.update(single)
        elif name not in {"step_d", "step_g"}:
            found[name] = told
    return found


class GameStatus(StatusPanel):
    """The status line with the losses of a game's players."""

    def __init__(self, catalog: Catalog, game: Game, look: SharedStyle) -> None:
        self._game = game
        super().__init__(catalog, look)

    def cells(self, frame: Any) -> list[tuple[str, str, str]]:
        losses = [
            ("", player.label, self.number(frame.record.get(f"loss_{player.letter}")))
            for player in self._game.players
        ]
        return [*super().cells(frame)[:2], *losses]


class FiguresPanel:
    """The latest values of a game's metrics."""

    name = "metrics"
    interval = 0.5

    def __init__(self, catalog: Catalog, game: Game, look: SharedStyle) -> None:
        self._catalog, self._game = catalog, game
        self._numbers = look.html("", "gw-metric-numbers")
        self.widget = look.box([self._numbers], f"gw-{self.name}")

    def draw(self, frame: GameFrame) -> None:
        """Show the values of `frame`."""
        t = self._catalog
        cells = []
        for name, metric in self._game.metrics.items():
            value = frame.latest_metrics.get(name, math.nan)
            said = f"{value:{metric.format}}" if math.isfinite(value) else "\N{EN DASH}"
            floor = self._game.floors.get(name)
            if floor is not None:
                said += f" ({t(N_('perfect: {value}'), value=f'{floor:{metric.format}}')})"
            cells.append(
                f'<span class="gw-cell" title="{html.escape(t(metric.help))}"><span class="gw-cell-label">'
                f'{html.escape(t(metric.label))}</span> <span class="gw-cell-value">{said}</span></span>'
            )
        self._numbers.value = f'<div class="gw-status-line">{"".join(cells)}</div>'


class GameDashboard:
    """The visible parts of a widget for a game, created once.

    Parameters
    ----------
    game : Game
    catalog, source, act, ask, travel, compare, verify, rescue, listener, stored, run, trainer, walk, tasks, export
        As for :class:`~ganwidgets.widgets.trainer.dashboards.dashboard.Dashboard`.
    others
        Arguments that only the classic game's dashboard needs.
    """

    def __init__(
        self,
        game: Game,
        catalog: Catalog,
        source: Source,
        *,
        act: Callable[[str], None],
        ask: Callable[[str, Any], None],
        travel: Callable[[str, Any], int],
        compare: Callable[[str | None], None],
        verify: Callable[[], None] | None,
        rescue: Callable[[str], None],
        listener: ViewListener,
        stored: str,
        run: Path | None,
        trainer: GANTrainer,
        walk: Callable[[str, str], None],
        tasks: LatestOnlyTasks,
        export: Callable[[str], Path],
        checkup: Checkup,
        remedy: Callable[[Remedy], None],
        take: Callable[[Trial], None],
        carry_out: Callable[[Callable[[], None]], Any],
        **others: Any,
    ) -> None:
        del others
        look = SharedStyle()
        self.transport = Transport(catalog, act, ask, look, actions_of(game))
        self.layout_tools = LayoutTools(
            catalog, [name for name in (*WHOLE, "controls") if name in LABELS], tuple(PRESETS)
        )
        self.status = GameStatus(catalog, game, look)
        self._unstored = UnstoredPanel(catalog, rescue, look)
        tour = GuidedTour(catalog)
        self.status.widget.children = (*self.status.widget.children, self._unstored.widget, tour)
        presets = {name: preset.label for name, preset in POINT_PRESETS.items()}
        presets |= {name: preset.label for name, preset in IMAGE_PRESETS.items()}
        definitions = settings_of(game)
        self.controls = ControlSet(catalog, ask, definitions, look=look, presets=presets)
        self.controls.suit(labelled=source.labelled, own=(), augmentable=source.modality.augmentable)
        self.exhibits = ExhibitsPanel(catalog, game.exhibits, look)
        self.graph = DiagramPanel(catalog, game, look)
        curves, figures = GameCurvesPanel(catalog, game, look), FiguresPanel(catalog, game, look)
        self.charts = curves.charts
        self.timeline = TimelinePanel(catalog, travel, lambda: act("play"), compare, verify, look)
        self.walk = GameWalkPanel(catalog, walk, game, look)
        self.health = HealthPanel(catalog, checkup, remedy, take, tasks, look, definitions)
        self.what_if = WhatIfPanel(catalog, trainer, carry_out, tasks, look)
        saving = SavingPanel(catalog, export, look)
        panels = [self.graph, self.exhibits, self.status, curves, figures, self.timeline]
        self._panels: list[Panel] = [*panels, self.walk, self.health]  # type: ignore[list-item]
        own_parts = own_panels(look)
        self._panels += own_parts
        names = {**self.controls.names, **self.transport.names, **self._unstored.names, **self.timeline.names}
        names |= {**self.health.names, **self.what_if.names, **saving.names}
        self.heartbeat = Heartbeat(
            listener,
            names,
            self.timeline.go,
            {**self.controls.places, "gw-speed": self.transport.speed.places},
            gone_words(catalog, run),
            stored,
        )
        self._drawn_at: dict[str, float] = {}
        # Paired data cannot be chosen from a list.
        unplaced = () if len(game.streams) == 1 and not game.streams[0].paired else ("data",)
        tones = player_tones(game.players)
        for player in game.players:
            self.transport.buttons[f"step_{player.letter}"].add_class(f"gw-edge-{tones[player.name]}")
        cards = look.box(
            [
                look.box(
                    [
                        look.html(f"<span>{html.escape(catalog(player.label))}</span>", "gw-card-title"),
                        *(control.widget for control in self.controls.in_group(player.name)),
                    ],
                    "gw-card",
                    f"gw-card-{CARDS[tones[player.name]]}",
                )
                for player in game.players
            ],
            "gw-parts",
        )
        players = {player.name for player in game.players}
        groups: dict[str, list[Any]] = {group: [] for group in TABS}
        for control in self.controls.controls.values():
            group = control.setting.group
            if group not in players and control.name not in unplaced:
                groups[group if group in groups else "optimizer"].append(control.widget)
        groups = {group: members for group, members in groups.items() if members}
        tabs = classed(
            ipywidgets.Tab(
                [look.box(members, "gw-grid") for members in groups.values()],
                titles=[catalog(GROUPS[group]) for group in groups],
                layout=look.layout,
            ),
            "gw-tabs",
        )
        overview = look.box([self.graph.widget, cards], "gw-game")
        own = [name for name in game.settings if name in self.controls.controls]
        rates = [f"lr_{player.letter}" for player in game.players]
        updates = [f"{player.letter}_steps" for player in game.players]
        self._quick_names = [*rates, *own, *updates, "batch_size"]
        self._own_widgets = tuple(part.widget for part in own_parts)
        self._place(
            look,
            {
                "graph": overview,
                "curves": curves.widget,
                "metrics": figures.widget,
                "settings": tabs,
                "export": saving.widget,
            },
        )

    def _place(self, look: SharedStyle, others: Mapping[str, ipywidgets.Widget]) -> None:
        """Create the children: the panels of this dashboard, and `others` by name."""
        picture = look.box([self.exhibits.widget], "gw-picture")
        self._main_row = MainRow(look, picture)
        self._quick = look.box([], "gw-grid", "gw-quick")
        self._choose_quick(None)
        self._parts: dict[str, ipywidgets.Widget] = {
            "transport": self.transport.widget,
            "status": self.status.widget,
            "health": self.health.widget,
            "walk": self.walk.widget,
            "timeline": self.timeline.widget,
            "what_if": self.what_if.widget,
            "controls": self._quick,
            **others,
        }
        for name, part in (*self._parts.items(), ("plane", picture), ("samples", picture)):
            classed(part, "gw-part", f"gw-part-{name}")
        self.children = self.arranged(PANELS)
        self._apart = [picture, *self._parts.values()]

    class_alone = False
    wanted: frozenset[str] = frozenset()
    focus = Focus()
    pictures = 8
    label: int | None = None

    @property
    def picture_view(self) -> ExhibitsView:
        """The view of the exhibits that a class follows."""
        return self.exhibits.view

    def look_ahead(self, steps: int, seeds: int, changes: Mapping[str, Any]) -> WhatIf:
        """Return two futures; both are shown while they are computed."""
        return self.what_if.compute(steps, seeds, changes)

    def skipped(self, due: Collection[Panel]) -> frozenset[str]:
        """Return an empty set, because frames of these games contain everything."""
        del due
        return frozenset()

    def arranged(self, names: Sequence[str]) -> tuple[ipywidgets.Widget, ...]:
        """Return the children of the widget that show the panels `names` in their order.

        Panels that these games do not have are left out.
        """
        buttons = self.transport.widget
        others = tuple(child for child in buttons.children if child is not self.layout_tools)
        buttons.children = (*others, self.layout_tools) if "transport" in names else others
        whole = tuple(names) == PANELS
        children = self._main_row.arranged(WHOLE if whole else names, self._parts)
        if "transport" not in names:  # without the tools users could not bring the buttons back
            children.append(self.layout_tools)
        # Registered panels are in the full widget only.
        return (self.heartbeat, *children, *(self._own_widgets if whole else ()))

    def _choose_quick(self, names: Collection[str] | None) -> None:
        """Put the six controls of a one-screen layout in their places."""
        controls = self.controls.controls
        chosen = [name for name in names or () if name in controls] or self._quick_names
        self._quick.children = [controls[name].widget for name in chosen[:6]]

    def only(self, names: Collection[str] | None) -> None:
        """Show the controls and buttons of these names and hide the others; None shows all."""
        self._choose_quick(names)
        parts: dict[str, Any] = {name: control.widget for name, control in self.controls.controls.items()}
        parts |= self.transport.buttons
        parts |= {"speed": self.transport.speed.widget, self.timeline.name: self.timeline.widget}
        parts |= {panel.name: panel.widget for panel in (self.walk, self.health, self.what_if)}
        for name, part in (*parts.items(), ("step", self.transport.count)):
            if names is None or name in names:
                part.remove_class("gw-hidden")
            else:
                part.add_class("gw-hidden")

    def begin(self, source: Source) -> None:
        """Use `source` at the beginning of a run on it."""
        self.controls.suit(labelled=source.labelled, own=(), augmentable=source.modality.augmentable)

    def due(self, costs: Mapping[str, float], *, everything: bool) -> list[Panel]:
        """Return the panels to draw now: all, or those whose interval is over."""
        del costs
        now = time.monotonic()
        due = [
            panel
            for panel in self._panels
            if (everything or now - self._drawn_at.get(panel.name, -math.inf) >= panel.interval)
            and (panel.name == self.exhibits.name or not self.class_alone)
        ]
        self._drawn_at.update((panel.name, now) for panel in due)
        return due

    def show_state(self, state: RunState) -> None:
        """Enable the buttons that apply now, and show the error."""
        self.transport.show(state.status, playing=state.playing)
        self.status.report(state.status, state.error)
        self._unstored.report(state.unstored)

    def draw(self, frame: Any, due: Iterable[Panel]) -> None:
        """Show `frame`: all panels first prepare, then send."""
        draws = [
            panel.prepared(frame) if isinstance(panel, Preparing) else partial(panel.draw, frame)
            for panel in due
        ]
        for draw in draws:
            draw()

    def widgets(self) -> list[ipywidgets.Widget]:
        """Return every widget of this dashboard, children before their parents."""
        found = [widget for top in (*self.children, *self._apart) for widget in descendants(top)]
        return list({id(widget): widget for widget in found}.values())
