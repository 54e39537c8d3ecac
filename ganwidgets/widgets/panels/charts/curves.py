"""Curves over the iterations: the losses, and the chart that draws any."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import bqplot
import numpy as np

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.axis_ticks import comfortable_limits, nice_ticks, typical_range
from ganwidgets.rendering.drawing.phrases import described
from ganwidgets.widgets.browser.page.once_seen import OnceSeen
from ganwidgets.widgets.browser.style.colors import css
from ganwidgets.widgets.browser.style.shared_style import SharedStyle, classed

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame
    from ganwidgets.runs.record.envelope import Envelope
    from ganwidgets.runs.timeline.branch_view import TimelineView

__all__ = ["Chart", "Curve", "CurvesPanel", "Pen", "mean_curve"]

INTERVAL = 0.35
"""Seconds between two draws: bqplot needs 10 to 30 ms of the browser for each."""

UNSEEN = np.array([0.0, 1.0])
"""What a curve without numbers holds; bqplot's drawings break where there is no number at all."""

TICKS = 4
"""Approximate number of ticks of an axis."""

MARKS = 60
"""Changes that are marked at most, the newest ones."""


@dataclass(frozen=True)
class Pen:
    """How a curve is drawn; its colour is a variable of the stylesheet, which knows the theme.

    With `band` there is one around it; `faint` is for what is only held beside the others.
    """

    color: str
    dash: Literal["solid", "dashed", "dotted"] = "solid"
    band: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Curve:
    """What a curve shows; arrays of one length.

    Attributes
    ----------
    x, y : array [k]
    band : (array [k], array [k]), optional
        Lower and upper limit of the band.
    """

    x: np.ndarray
    y: np.ndarray
    band: tuple[np.ndarray, np.ndarray] | None = None


class Chart:
    """A bqplot figure with a fixed number of curves; what is not finite leaves a gap.

    Parameters
    ----------
    pens : sequence of Pen
        One for each curve; later ones are drawn over earlier ones.
    look : SharedStyle
        What it shares with the rest of one widget.
    x_label, y_label : str
        The axes' titles, in the reader's language.

    Attributes
    ----------
    figure : bqplot.Figure
    widget : OnceSeen
        The place of the figure in the page.
    span : (float, float)
        First and last iteration on the axis in the last draw, over all curves.
    beyond : float
        The highest value of all curves in the last draw, also if it is cut off.
    """

    def __init__(self, pens: Sequence[Pen], look: SharedStyle, *, x_label: str, y_label: str) -> None:
        self._limits: tuple[float, float] | None = None
        self.span = (1.0, 1.0)
        self.beyond = -math.inf
        self._x = bqplot.LinearScale()
        self._y = bqplot.LinearScale(min=0.0, max=1.0)
        scales = {"x": self._x, "y": self._y}
        self._ticks: dict[str, list[float]] = {}
        self._across = bqplot.Axis(scale=self._x, label=x_label, label_offset="2.2em", tick_format="d")
        self._up = bqplot.Axis(
            scale=self._y, side="left", label=y_label, label_offset="3em", tick_format=".4~g"
        )
        self._bands = {
            place: bqplot.Lines(
                x=UNSEEN,
                y=np.stack([UNSEEN, UNSEEN]),
                visible=False,
                scales=scales,
                colors=[pen.color, pen.color],
                opacities=[0, 0],
                fill="between",
                fill_colors=[pen.color],
                fill_opacities=[0.18],
            )
            for place, pen in enumerate(pens)
            if pen.band
        }
        self._lines = [
            bqplot.Lines(
                x=UNSEEN,
                y=UNSEEN,
                visible=False,
                scales=scales,
                colors=[pen.color],
                line_style=pen.dash,
                stroke_width=1.0 if pen.faint else 1.6,
                opacities=[0.55 if pen.faint else 1],
            )
            for pen in pens
        ]
        self._marked: list[tuple[int, str]] = []
        # At the foot of the chart, whatever its heights.
        self._marks = bqplot.Scatter(
            x=UNSEEN,
            y=UNSEEN,
            visible=False,
            scales={"x": self._x, "y": bqplot.LinearScale(min=0, max=1)},
            preserve_domain={"x": True, "y": True},
            marker="triangle-up",
            default_size=45,
            colors=[css("text")],
            opacities=[0.75],
            display_names=False,
            tooltip=bqplot.Tooltip(fields=["name"], show_labels=False),
        )
        self.figure = bqplot.Figure(
            marks=[*self._bands.values(), *self._lines, self._marks],
            axes=[self._across, self._up],
            fig_margin={"top": 8, "bottom": 36, "left": 44, "right": 12},
            animation_duration=0,
            background_style={"fill": "transparent"},
            min_aspect_ratio=0.01,
            max_aspect_ratio=100,
            layout=look.layout,
        )
        self.widget = classed(OnceSeen(self.figure, layout=look.layout), "gw-chart")

    def draw(self, curves: Sequence[Curve | None], *, also: Sequence[float] = ()) -> None:
        """Draw one curve for each pen; None draws nothing.

        Parameters
        ----------
        curves : sequence of Curve or None
        also : sequence of float
            Heights that must be seen too; outliers of the curves may be cut off.
        """
        shown = [curve if curve is not None and np.isfinite(curve.y).any() else None for curve in curves]
        limits = self._fit(shown, also)
        ends = next((_plain(curve.x)[[0, -1]] for curve in shown if curve is not None), UNSEEN)
        for line, curve in zip(self._lines, shown, strict=True):
            with line.hold_sync():
                line.x, line.y = (ends, UNSEEN) if curve is None else (_plain(curve.x), _plain(curve.y))
                line.visible = curve is not None
        for place, band in self._bands.items():
            curve = shown[place]
            with band.hold_sync():
                if curve is None or curve.band is None:
                    band.x, band.y = ends, np.stack([UNSEEN, UNSEEN])
                    band.visible = False
                else:
                    edges = np.stack([_plain(edge) for edge in curve.band])
                    band.x, band.y = _plain(curve.x), np.clip(edges, *limits)
                    band.visible = True

    @property
    def top(self) -> float:
        """The upper end of the axis."""
        return math.inf if self._limits is None else self._limits[1]

    def mark(self, marks: Sequence[tuple[int, str]]) -> None:
        """Mark iterations at the foot of the chart; what there is to say of each is shown on hover."""
        if list(marks) == self._marked:
            return
        self._marked = list(marks)
        with self._marks.hold_sync():
            self._marks.visible = bool(marks)
            if marks:
                self._marks.x = np.array([iteration for iteration, _ in marks], dtype=np.float64)
                self._marks.y = np.full(len(marks), 0.03)
                self._marks.names = np.array([text for _, text in marks])

    def restyle(self, pens: Sequence[Pen], y_label: str) -> None:
        """Use other pens and another title from now on, and forget the limits so far."""
        self._limits = None
        self._up.label = y_label
        for line, pen in zip(self._lines, pens, strict=True):
            with line.hold_sync():
                line.colors, line.line_style = [pen.color], pen.dash

    def _fit(self, curves: Sequence[Curve | None], also: Sequence[float]) -> tuple[float, float]:
        """Choose what the axes show, and return the limits of the heights."""
        shown = [_plain(curve.y) for curve in curves if curve is not None]
        low, high = typical_range(*shown, *([height] for height in also))
        self.beyond = max((float(each.max()) for each in map(_finite, shown) if len(each)), default=-math.inf)
        if also:
            # A line at the very edge would hide in the frame.
            high += 0.04 * (high - low)
        limits = comfortable_limits(low, high, self._limits)
        if limits != self._limits:
            self._limits = limits
            with self._y.hold_sync():
                self._y.min, self._y.max = limits
            self._mark(self._up, nice_ticks(*limits, TICKS))
        ends = [float(curve.x[place]) for curve in curves if curve is not None for place in (0, -1)]
        if ends:
            self.span = min(ends), max(ends)
            self._mark(self._across, self._iterations(*self.span))
        elif self._across.tick_values is None:
            # Without anything to show bqplot would divide an axis from 0 to 1 into thousandths.
            self._across.tick_values = np.zeros(1)
        return limits

    def _mark(self, axis: bqplot.Axis, ticks: list[float]) -> None:
        """Put round numbers on an axis; of itself bqplot divides it into equal parts, however odd."""
        if ticks and self._ticks.get(axis.model_id) != ticks:
            self._ticks[axis.model_id] = ticks
            axis.tick_values = np.array(ticks)

    @staticmethod
    def _iterations(first: float, last: float) -> list[float]:
        """Return round iterations from first to last; there is no half iteration."""
        return [tick for tick in nice_ticks(first, last, TICKS) if tick.is_integer()] or [first]


class CurvesPanel:
    """The two losses, with the band in which they moved, and the penalty's part of D's loss.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    look : SharedStyle, optional
        What it shares with the rest of one widget.

    Attributes
    ----------
    name : str
    interval : float
        The least number of seconds between two draws.
    widget : ipywidgets.Box
        Made once; later only the marks' arrays change.
    """

    name = "curves"
    interval = INTERVAL

    def __init__(self, catalog: Catalog, look: SharedStyle | None = None) -> None:
        look = look or SharedStyle()
        self._catalog = catalog
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
        self._head = look.html(self._legend(penalized=False), "gw-head")
        self.widget = look.box([self._head, self._chart.widget], f"gw-{self.name}", "gw-panel")

    def iteration_at(self, fraction: float) -> float:
        """Return the iteration at a place on the axis, from 0 (left end) to 1 (right end)."""
        first, last = self._chart.span
        return first + fraction * (last - first)

    def draw(self, frame: Frame) -> None:
        """Draw `frame`'s losses, those of the branch beside it, and marks where settings were changed."""
        self._chart.mark(self._marks(frame.past))
        beside = [mean_curve(frame.compared.get(column)) for column in ("loss_d", "loss_g")]
        penalty = mean_curve(frame.losses.get("penalty_d"))
        if penalty is not None and not (np.nan_to_num(penalty.y) > 0).any():
            penalty = None
        self._chart.draw([*beside, penalty, _curve(frame, "loss_d"), _curve(frame, "loss_g")])
        legend = self._legend(penalized=penalty is not None)
        if legend != self._head.value:
            self._head.value = legend

    def _legend(self, *, penalized: bool) -> str:
        """Return what the lines are, and the highest value if it is cut off."""
        t = self._catalog
        chips = [("gw-stroke-d", N_("loss of D")), ("gw-stroke-g", N_("loss of G"))]
        if penalized:
            chips.insert(1, ("gw-stroke-penalty", N_("of that the penalty")))
        shown = "".join(
            f'<span class="gw-chip"><i class="{mark}"></i>{html.escape(t(text))}</span>'
            for mark, text in chips
        )
        if self._chart.beyond > self._chart.top:
            told = t(N_("highest {value}, cut off"), value=f"{self._chart.beyond:.3g}")
            shown += f'<span class="gw-chip gw-beyond">\N{UPWARDS ARROW} {html.escape(told)}</span>'
        return shown

    def _joined(self, past: TimelineView) -> list[tuple[int, str]]:
        return [
            (iteration, self._catalog(N_("{side}x{side} takes part"), side=side))
            for iteration, side in past.unlocked
        ]

    def _marks(self, past: TimelineView) -> list[tuple[int, str]]:
        """Return the newest iterations after which something changed on the way here or was noted, and what."""
        records, notes = past.led_here[-MARKS:], (*self._joined(past), *past.notes[-MARKS:])
        if self._known[0] != (records, notes):
            told = [
                (record.iteration, described(record, self._catalog, past.definitions)) for record in records
            ]
            said: dict[int, str] = {}
            for iteration, text in (*told, *notes):
                said[iteration] = f"{said[iteration]}; {text}" if iteration in said else text
            self._known = (records, notes), list(said.items())
        return self._known[1]


def _curve(frame: Frame, column: str) -> Curve | None:
    envelope = frame.losses.get(column)
    if envelope is None or not np.isfinite(envelope[2]).any():
        return None
    iterations, low, mean, high = envelope
    return Curve(iterations, mean, (low, high))


def mean_curve(envelope: Envelope | None) -> Curve | None:
    """Return the means of an envelope as a curve; None where there is nothing."""
    return None if envelope is None or not len(envelope[0]) else Curve(envelope[0], envelope[2])


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _plain(values: np.ndarray) -> np.ndarray:
    """Return float64 values with a gap for whatever is not finite, which would break a scale."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)
