"""The curves of a run: the losses, or those that a user chose."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.phrases import described
from ganwidgets.widgets.browser.style.colors import css
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.charts.chart import INTERVAL, Chart, Pen, mean_curve
from ganwidgets.widgets.panels.charts.chart_tools import ChartChoice
from ganwidgets.widgets.panels.charts.gap_meter import GapMeter
from ganwidgets.widgets.panels.charts.offered_curves import (
    GAP,
    KNOWN_CURVES,
    OfferedCurve,
    chip,
    offered_curves,
    unseen_values,
)

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame
    from ganwidgets.runs.timeline.branch_view import TimelineView

__all__ = ["MARKS", "CurvesPanel"]

MARKS = 60
"""Maximum number of marked changes, the latest ones."""

OWN = ("loss_d", "penalty_d", "loss_g")
"""The default curves, each with its own line and legend entry."""


class CurvesPanel:
    """The two losses with the bands of their values, and the penalty's part of D's loss.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws.
    widget : ipywidgets.Box
        Made once; later only the marks' arrays change.
    """

    name = "curves"
    interval = INTERVAL

    def __init__(
        self, catalog: Catalog, look: SharedStyle | None = None, gap: GapMeter | None = None
    ) -> None:
        look = look or SharedStyle()
        self._catalog = catalog
        self._gap = gap
        self.choice = ChartChoice(catalog, look.layout, KNOWN_CURVES)
        self._chart = Chart(
            [
                Pen(css("d"), faint=True),
                Pen(css("g"), "dashed", faint=True),
                Pen(css("d"), "dotted"),
                Pen(css("d"), band=True),
                Pen(css("g"), "dashed", band=True),
            ],
            look,
            x_label=catalog(N_("iteration")),
            y_label=catalog(N_("loss")),
        )
        self._known: tuple[tuple[object, object], list[tuple[int, str]]] = (((), ()), [])
        self._head = look.html(self._legend(("loss_d", "loss_g"), {}), "gw-head")
        row = look.box([self._head, self.choice.tools], "gw-chart-row")
        self.widget = look.part(self.name, [row, self._chart.widget], f"gw-{self.name}", "gw-panel")

    def iteration_at(self, fraction: float) -> float:
        """Return the iteration at a place on the axis, from 0 (left end) to 1 (right end)."""
        first, last = self._chart.span
        return first + fraction * (last - first)

    def draw(self, frame: Frame) -> None:
        """Draw the chosen curves of `frame`, those of the compared branch, and marks where settings were changed."""
        self._chart.mark(self._marks(frame.past))
        self._chart.logarithmic = self.choice.scale == "log"
        offered = offered_curves(frame, self._gap)
        chosen = self.choice.curves or OWN
        drawn = {name: offered[name] for name in chosen if name in offered}
        if not self.choice.curves and not _counts(drawn.get("penalty_d")):
            drawn.pop("penalty_d", None)
        if GAP in chosen and self._gap is not None:
            self._gap.want(frame.iteration)
        beside = [
            mean_curve(frame.compared.get(column)) if column in drawn else None
            for column in ("loss_d", "loss_g")
        ]
        own = [drawn[name].curve if name in drawn else None for name in ("penalty_d", "loss_d", "loss_g")]
        further = [(curve.pen, curve.curve) for name, curve in drawn.items() if name not in OWN]
        self._chart.draw([*beside, *own], further=further)
        units = {curve.unit for curve in drawn.values()} or {N_("loss")}
        self._chart.name(self._catalog(units.pop()) if len(units) == 1 else "")
        labels = {name: self._catalog(curve.label) for name, curve in offered.items()}
        self.choice.offer(labels, list(drawn) if self.choice.curves else ["loss_d", "loss_g"])
        legend = self._legend(tuple(drawn) or ("loss_d", "loss_g"), drawn)
        if legend != self._head.value:
            self._head.value = legend

    def _legend(self, names: Sequence[str], drawn: Mapping[str, OfferedCurve]) -> str:
        """Return the legend, and the values that the axis cannot show."""
        t = self._catalog
        marks = {
            "loss_d": ("gw-stroke-d", N_("loss of D")),
            "penalty_d": ("gw-stroke-penalty", N_("of that the penalty")),
            "loss_g": ("gw-stroke-g", N_("loss of G")),
        }
        order = [*(name for name in marks if name in names), *(name for name in names if name not in marks)]
        shown = "".join(
            f'<span class="gw-chip"><i class="{marks[name][0]}"></i>{html.escape(t(marks[name][1]))}</span>'
            if name in marks
            else chip(drawn[name].pen, t(drawn[name].label))
            for name in order
        )
        return shown + unseen_values(self._chart, t)

    def _joined(self, past: TimelineView) -> list[tuple[int, str]]:
        return [
            (iteration, self._catalog(N_("{side}x{side} takes part"), side=side))
            for iteration, side in past.unlocked
        ]

    def _marks(self, past: TimelineView) -> list[tuple[int, str]]:
        """Return the latest iterations with a change or a note on the path to the current state, and their texts."""
        records, notes = past.led_here[-MARKS:], (*self._joined(past), *past.notes[-MARKS:])
        if self._known[0] != (records, notes):
            changes = [
                (record.iteration, described(record, self._catalog, past.definitions)) for record in records
            ]
            texts: dict[int, str] = {}
            for iteration, text in (*changes, *notes):
                texts[iteration] = f"{texts[iteration]}; {text}" if iteration in texts else text
            self._known = (records, notes), list(texts.items())
        return self._known[1]


def _counts(penalty: OfferedCurve | None) -> bool:
    """Return True if D's loss has a penalty."""
    return penalty is not None and bool((np.nan_to_num(penalty.curve.y) > 0).any())
