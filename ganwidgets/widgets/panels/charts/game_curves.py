"""Curves of a game: the losses of its players, and every other column of its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import ipywidgets

from ganwidgets.games.game import Game
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.phrases import described
from ganwidgets.rendering.drawing.tones import column_tones
from ganwidgets.widgets.browser.style.colors import css
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.charts.chart import INTERVAL, Chart, Curve, Dash, Pen, mean_curve
from ganwidgets.widgets.panels.charts.chart_tools import ChartChoice
from ganwidgets.widgets.panels.charts.curves import MARKS
from ganwidgets.widgets.panels.charts.offered_curves import DASHES, chip, unseen_values

if TYPE_CHECKING:
    from ganwidgets.live.frames.game_camera import GameFrame
    from ganwidgets.runs.record.envelope import Envelope

__all__ = ["GameCurvesPanel"]


class GameCurvesPanel:
    """One chart of the players' losses, and one of the game's terms and measures.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    game : Game
    look : SharedStyle
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    charts : mapping of str to ChartChoice
        Axis and curves of the charts ``curves`` (the losses) and ``terms``.
    """

    name = "curves"
    interval = INTERVAL

    def __init__(self, catalog: Catalog, game: Game, look: SharedStyle) -> None:
        self._catalog = catalog
        t = catalog
        losses = {f"loss_{player.letter}": t(player.label) for player in game.players}
        others = {name: words(name, t) for name in (*game.terms, *game.measures)}
        tones = column_tones(game)
        self._labels = {**losses, **others}
        self._pens = {
            column: Pen(css(tone), dash)
            for columns in (losses, others)
            for column, (tone, dash) in zip(columns, _styles(columns, tones), strict=True)
        }
        self._charts = [
            GameChart(tuple(columns), self._chart(columns, title, look), look.html("", "gw-head"), choice)
            for columns, title, choice in (
                (losses, t(N_("loss")), ChartChoice(catalog, look.layout, tuple(self._labels))),
                (others, t(N_("terms and measures")), ChartChoice(catalog, look.layout, tuple(self._labels))),
            )
            if columns
        ]
        self.charts = dict(zip(("curves", "terms"), (each.choice for each in self._charts), strict=False))
        parts = []
        for each in self._charts:
            each.head.value = self._legend(each.columns)
            parts += [look.box([each.head, each.choice.tools], "gw-chart-row"), each.chart.widget]
        self.widget = look.part(self.name, parts, f"gw-{self.name}", "gw-panel")

    def _chart(self, columns: Iterable[str], title: str, look: SharedStyle) -> Chart:
        pens = [replace(self._pens[column], band=True) for column in columns]
        faint = [replace(self._pens[column], faint=True) for column in columns]
        return Chart([*faint, *pens], look, x_label=self._catalog(N_("iteration")), y_label=title)

    def _legend(self, columns: Iterable[str]) -> str:
        return "".join(chip(self._pens[column], self._labels[column]) for column in columns)

    def draw(self, frame: GameFrame) -> None:
        """Draw the chosen columns of `frame`, those of the compared branch, and marks where settings were changed."""
        marks: dict[int, str] = {}
        for record in frame.past.led_here[-MARKS:]:
            text = described(record, self._catalog, frame.past.definitions)
            known = marks.get(record.iteration)
            marks[record.iteration] = text if known is None else f"{known}; {text}"
        for each in self._charts:
            chart, columns = each.chart, each.columns
            chosen = each.choice.curves or columns
            chart.mark(list(marks.items()))
            chart.logarithmic = each.choice.scale == "log"
            beside = [mean_curve(frame.compared.get(name)) if name in chosen else None for name in columns]
            own = [_banded(frame.losses.get(name)) if name in chosen else None for name in columns]
            others = [
                (self._pens[name], _banded(frame.losses.get(name))) for name in chosen if name not in columns
            ]
            chart.draw([*beside, *own], further=[(pen, curve) for pen, curve in others if curve is not None])
            each.choice.offer(self._labels, chosen)
            legend = self._legend(chosen) + unseen_values(chart, self._catalog)
            if legend != each.head.value:
                each.head.value = legend


@dataclass(frozen=True)
class GameChart:
    """A chart with its default columns, its legend, and the user's choice."""

    columns: tuple[str, ...]
    chart: Chart
    head: ipywidgets.HTML
    choice: ChartChoice


def words(column: str, catalog: Catalog) -> str:
    """Return the label of a game's own column."""
    return catalog(column.replace("_", " "))


def _banded(envelope: Envelope | None) -> Curve | None:
    if envelope is None or not len(envelope[0]):
        return None
    iterations, low, mean, high = envelope
    return Curve(iterations, mean, (low, high))


def _styles(columns: Iterable[str], tones: Mapping[str, str]) -> list[tuple[str, Dash]]:
    """Return tone and dash of each column: solid for the first of a chart, then dashed, then dotted."""
    return [(tones[column], DASHES[place % len(DASHES)]) for place, column in enumerate(columns)]
