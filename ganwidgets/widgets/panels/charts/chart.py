"""A chart of curves over the iterations, linear or logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import bqplot
import numpy as np

from ganwidgets.rendering.drawing.axis_ticks import (
    comfortable_limits,
    logarithmic_limits,
    logarithmic_ticks,
    nice_ticks,
    typical_range,
)
from ganwidgets.widgets.browser.page.once_seen import OnceSeen
from ganwidgets.widgets.browser.style.colors import css
from ganwidgets.widgets.browser.style.shared_style import SharedStyle

if TYPE_CHECKING:
    from ganwidgets.runs.record.envelope import Envelope

__all__ = ["INTERVAL", "Chart", "Curve", "Dash", "Pen", "mean_curve"]

Dash = Literal["solid", "dashed", "dotted"]

INTERVAL = 0.35
"""Seconds between two draws: bqplot needs 10 to 30 ms of the browser for each."""

UNSEEN = np.array([0.0, 1.0])
"""Content of a curve without numbers; bqplot fails on an empty one."""

TICKS = 4
"""Approximate number of ticks of an axis."""


@dataclass(frozen=True)
class Pen:
    """Style of a curve.

    Its colour is a CSS variable, which depends on the theme. `band` adds a band around it; `faint` is for curves that are
    only shown for comparison.
    """

    color: str
    dash: Dash = "solid"
    band: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Curve:
    """Data of a curve; arrays of equal length.

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
    """A bqplot figure with a fixed number of curves, and further ones that a user chose; what is not finite leaves a gap.

    On a logarithmic axis what is not positive leaves a gap too. The figure's scale stays linear then: the heights are
    base-10 logarithms, and the axis has the labels of their powers.

    Parameters
    ----------
    pens : sequence of Pen
        One for each curve; later ones are drawn over earlier ones.
    look : SharedStyle
        Layout and styles shared with the rest of one widget.
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
    unplaced : int
        Number of values in the last draw that a logarithmic axis has no place for: 0 and negative ones.
    logarithmic : bool
        True if the vertical axis is logarithmic from the next draw on.
    """

    def __init__(self, pens: Sequence[Pen], look: SharedStyle, *, x_label: str, y_label: str) -> None:
        self._limits: tuple[float, float] | None = None
        self.span = (1.0, 1.0)
        self.beyond = -math.inf
        self.unplaced = 0
        self.logarithmic = self._was_logarithmic = False
        self._x = bqplot.LinearScale()
        self._y = bqplot.LinearScale(min=0.0, max=1.0)
        self._scales = scales = {"x": self._x, "y": self._y}
        self._ticks: dict[str, tuple[list[float], bool]] = {}
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
        self._lines = [self._line(pen) for pen in pens]
        self._further: list[bqplot.Lines] = []
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
        self.widget = OnceSeen(self.figure, layout=look.layout, _dom_classes=("gw-chart",))

    def _line(self, pen: Pen) -> bqplot.Lines:
        return bqplot.Lines(
            x=UNSEEN,
            y=UNSEEN,
            visible=False,
            scales=self._scales,
            colors=[pen.color],
            line_style=pen.dash,
            stroke_width=1.0 if pen.faint else 1.6,
            opacities=[0.55 if pen.faint else 1],
        )

    def draw(
        self,
        curves: Sequence[Curve | None],
        *,
        also: Sequence[float] = (),
        further: Sequence[tuple[Pen, Curve]] = (),
    ) -> None:
        """Draw one curve for each pen; None draws nothing.

        Parameters
        ----------
        curves : sequence of Curve or None
        also : sequence of float
            Values that must be visible too; outliers of the curves may be clipped.
        further : sequence of (Pen, Curve)
            Curves beside those of the chart's own pens; their lines are made when they are first needed.
        """
        if self.logarithmic != self._was_logarithmic:
            self._was_logarithmic, self._limits = self.logarithmic, None
        self._beyond_of([*curves, *(curve for _, curve in further)])
        placed = [None if curve is None else self._placed(curve) for curve in curves]
        added = [self._placed(curve) for _, curve in further]
        shown = [curve if curve is not None and np.isfinite(curve.y).any() else None for curve in placed]
        heights = [float(self._height(np.array([height]))[0]) for height in also]
        limits = self._fit([*shown, *added], [height for height in heights if math.isfinite(height)])
        self._draw_further([pen for pen, _ in further], added)
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

    def _height(self, values: np.ndarray) -> np.ndarray:
        """Return the heights of values on the axis; NaN for a value without a place there."""
        numbers = _plain(values)
        if not self.logarithmic:
            return numbers
        return np.log10(np.where(numbers > 0, numbers, np.nan))

    def _placed(self, curve: Curve) -> Curve:
        if not self.logarithmic:
            return curve
        # A band may reach below 0: on the axis it ends at the lower edge.
        band = None if curve.band is None else tuple(map(self._height, curve.band))
        if band is not None:
            lower = np.where(np.isfinite(band[1]) & np.isnan(band[0]), -400.0, band[0])
            band = lower, band[1]
        return Curve(curve.x, self._height(curve.y), band)

    def _beyond_of(self, curves: Sequence[Curve | None]) -> None:
        values = [_finite(_plain(curve.y)) for curve in curves if curve is not None]
        self.beyond = max((float(each.max()) for each in values if len(each)), default=-math.inf)
        self.unplaced = int(sum((each <= 0).sum() for each in values)) if self.logarithmic else 0

    def _draw_further(self, pens: Sequence[Pen], curves: Sequence[Curve]) -> None:
        missing = len(pens) - len(self._further)
        if missing > 0:
            self._further += [self._line(pen) for pen in pens[-missing:]]
            self.figure.marks = [*self._bands.values(), *self._lines, *self._further, self._marks]
        for line, pen, curve in zip(self._further, pens, curves, strict=False):
            with line.hold_sync():
                line.colors, line.line_style = [pen.color], pen.dash
                line.stroke_width, line.opacities = 1.0 if pen.faint else 1.6, [0.55 if pen.faint else 1]
                line.visible = bool(np.isfinite(curve.y).any())
                line.x, line.y = (_plain(curve.x), _plain(curve.y)) if line.visible else (UNSEEN, UNSEEN)
        for line in self._further[len(pens) :]:
            line.visible = False

    @property
    def top(self) -> float:
        """The upper end of the axis."""
        if self._limits is None:
            return math.inf
        return 10.0 ** self._limits[1] if self._was_logarithmic else self._limits[1]

    def name(self, y_label: str) -> None:
        """Put a title at the vertical axis."""
        if self._up.label != y_label:
            self._up.label = y_label

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
        if also:
            # A line at the very edge would hide in the frame.
            high += 0.04 * (high - low)
        limits = self._chosen_limits(low, high)
        if limits != self._limits:
            self._limits = limits
            with self._y.hold_sync():
                self._y.min, self._y.max = limits
            if self.logarithmic:
                ticks = logarithmic_ticks(10.0 ** limits[0], 10.0 ** limits[1], TICKS)
                places = [round(math.log10(tick), 6) + 0.0 for tick in ticks]
                self._up.tick_labels = {
                    _as_javascript(place): f"{tick:.4g}" for place, tick in zip(places, ticks, strict=True)
                }
                self._mark(self._up, places)
            else:
                self._up.tick_labels = None
                self._mark(self._up, nice_ticks(*limits, TICKS))
        ends = [float(curve.x[place]) for curve in curves if curve is not None for place in (0, -1)]
        if ends:
            self.span = min(ends), max(ends)
            self._mark(self._across, self._iterations(*self.span))
        elif self._across.tick_values is None:
            # Without anything to show bqplot would divide an axis from 0 to 1 into thousandths.
            self._across.tick_values = np.zeros(1)
        return limits

    def _chosen_limits(self, low: float, high: float) -> tuple[float, float]:
        """Return limits of the heights that include [low, high], both NaN if there is nothing to include."""
        if not self.logarithmic:
            return comfortable_limits(low, high, self._limits)
        before = None if self._limits is None else (10.0 ** self._limits[0], 10.0 ** self._limits[1])
        least, most = logarithmic_limits(10.0**low, 10.0**high, before)
        return math.log10(least), math.log10(most)

    def _mark(self, axis: bqplot.Axis, ticks: list[float]) -> None:
        """Put round numbers on an axis; of itself bqplot divides it into equal parts, however odd."""
        if ticks and self._ticks.get(axis.model_id) != (ticks, self.logarithmic):
            self._ticks[axis.model_id] = ticks, self.logarithmic
            axis.tick_values = np.array(ticks)

    @staticmethod
    def _iterations(first: float, last: float) -> list[float]:
        """Return round iterations from first to last; all are integers."""
        return [tick for tick in nice_ticks(first, last, TICKS) if tick.is_integer()] or [first]


def mean_curve(envelope: Envelope | None) -> Curve | None:
    """Return the means of an envelope as a curve; None if it is empty."""
    return None if envelope is None or not len(envelope[0]) else Curve(envelope[0], envelope[2])


def _as_javascript(number: float) -> str:
    """Return the text of a number with at most 6 decimals that JavaScript has as the key of an object."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _plain(values: np.ndarray) -> np.ndarray:
    """Return float64 values with a gap for whatever is not finite, which would break a scale."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)
