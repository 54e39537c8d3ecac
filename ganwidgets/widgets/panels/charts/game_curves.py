"""Curves of a game: the losses of its players, and every other column of its history."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from ganwidgets.games.game import Game
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.phrases import described
from ganwidgets.rendering.drawing.tones import column_tones
from ganwidgets.widgets.browser.style.colors import css
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.charts.curves import INTERVAL, MARKS, Chart, Curve, Pen, mean_curve

if TYPE_CHECKING:
    from ganwidgets.live.frames.game_camera import GameFrame
    from ganwidgets.runs.record.envelope import Envelope

__all__ = ["GameCurvesPanel"]

Dash = Literal["solid", "dashed", "dotted"]
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


class GameCurvesPanel:
    """One chart of the players' losses, and one of the game's terms and measures.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    game : Game
    look : SharedStyle
        What it shares with the rest of one widget.
    """

    name = "curves"
    interval = INTERVAL

    def __init__(self, catalog: Catalog, game: Game, look: SharedStyle) -> None:
        self._catalog = catalog
        t = catalog
        losses = {f"loss_{player.letter}": t(player.label) for player in game.players}
        others = {name: words(name, t) for name in (*game.terms, *game.measures)}
        tones = column_tones(game)
        self._charts = [
            (list(columns), self._chart(_styles(columns, tones), title, look), columns)
            for title, columns in ((t(N_("loss")), losses), (t(N_("terms and measures")), others))
            if columns
        ]
        parts = []
        for _, chart, columns in self._charts:
            parts += [look.html(_legend(columns, tones), "gw-head"), chart.widget]
        self.widget = look.box(parts, f"gw-{self.name}", "gw-panel")

    def _chart(self, styles: Sequence[tuple[str, Dash]], title: str, look: SharedStyle) -> Chart:
        pens = [Pen(css(color), dash, band=True) for color, dash in styles]
        faint = [Pen(css(color), dash, faint=True) for color, dash in styles]
        return Chart([*faint, *pens], look, x_label=self._catalog(N_("iteration")), y_label=title)

    def draw(self, frame: GameFrame) -> None:
        """Draw the columns of `frame`, those of the branch beside it, and marks where settings were changed."""
        marks: dict[int, str] = {}
        for record in frame.past.led_here[-MARKS:]:
            said = described(record, self._catalog, frame.past.definitions)
            known = marks.get(record.iteration)
            marks[record.iteration] = said if known is None else f"{known}; {said}"
        for columns, chart, _ in self._charts:
            chart.mark(list(marks.items()))
            beside = [mean_curve(frame.compared.get(column)) for column in columns]
            chart.draw([*beside, *(_banded(frame.losses.get(column)) for column in columns)])


def words(column: str, catalog: Catalog) -> str:
    """Return what people call a column of a game's own."""
    return catalog(column.replace("_", " "))


def _banded(envelope: Envelope | None) -> Curve | None:
    if envelope is None or not len(envelope[0]):
        return None
    iterations, low, mean, high = envelope
    return Curve(iterations, mean, (low, high))


def _styles(columns: Iterable[str], tones: Mapping[str, str]) -> list[tuple[str, Dash]]:
    """Return tone and dash of each column: solid for the first of a chart, then dashed, then dotted."""
    return [(tones[column], DASHES[place % len(DASHES)]) for place, column in enumerate(columns)]


def _legend(columns: Mapping[str, str], tones: Mapping[str, str]) -> str:
    return "".join(
        f'<span class="gw-chip"><i style="border-top:2px {dash} {css(color)};width:18px;height:0"></i>'
        f"{html.escape(label)}</span>"
        for (color, dash), label in zip(_styles(columns, tones), columns.values(), strict=True)
    )
