"""Curves over the iterations: the losses, and the chart that draws any."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import bqplot
import numpy as np

from ..messages import Catalog, N_
from .colors import DISCRIMINATOR, GENERATOR
from .look import Look, classed

if TYPE_CHECKING:
    from ..live.frames import Frame

__all__ = ["Chart", "Curve", "CurvesPanel", "Pen", "comfortable_limits"]

INTERVAL = 0.25
"""Seconds between two draws: bqplot needs 10 to 30 ms of the browser for each."""

NOTHING = np.array([np.nan])


@dataclass(frozen=True)
class Pen:
    """How a curve is drawn."""

    color: str
    dash: Literal["solid", "dashed", "dotted"] = "solid"


@dataclass(frozen=True)
class Curve:
    """What a curve shows; arrays of one length.

    Attributes
    ----------
    x, y : array [k]
    low, high : array [k], optional
        The band around it.
    """

    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None


def comfortable_limits(
    low: float, high: float, before: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Return round limits that hold [low, high].

    Parameters
    ----------
    low, high : float
        What must be seen; not finite where nothing is.
    before : (float, float), optional
        The limits so far, which are kept while they fit: an axis that jumps is hard to read.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return before or (0.0, 1.0)
    if high <= low:
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    if (
        before is not None
        and before[0] <= low
        and high <= before[1]
        and high - low > (before[1] - before[0]) / 3
    ):
        return before
    if 0 <= low < 0.6 * high:
        low = 0.0
    span = high - low
    step = 10.0 ** math.floor(math.log10(span))
    step *= 0.1 if span / step < 2 else 0.2 if span / step < 5 else 0.5
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


class Chart:
    """A bqplot figure with a fixed number of curves; what is not finite leaves a gap.

    Parameters
    ----------
    pens : sequence of Pen
        One for each curve; later ones are drawn over earlier ones.
    look : Look
        What it shares with the rest of one widget.
    x_label, y_label : str
        The axes' titles, in the reader's language.
    bands : bool
        Whether curves have a band.
    """

    def __init__(
        self, pens: Sequence[Pen], look: Look, *, x_label: str, y_label: str, bands: bool = False
    ) -> None:
        self._limits: tuple[float, float] | None = None
        self._x = bqplot.LinearScale()
        self._y = bqplot.LinearScale(min=0.0, max=1.0)
        scales = {"x": self._x, "y": self._y}
        axis = {"num_ticks": 4, "grid_lines": "solid", "grid_color": "var(--gw-grid)"}
        self._across = bqplot.Axis(
            scale=self._x, label=x_label, label_offset="2.2em", tick_format="~s", **axis
        )
        self._up = bqplot.Axis(
            scale=self._y, orientation="vertical", label=y_label, label_offset="3.1em", **axis
        )
        self._bands = [
            bqplot.Lines(
                x=NOTHING,
                y=np.stack([NOTHING, NOTHING]),
                scales=scales,
                colors=[pen.color, pen.color],
                opacities=[0, 0],
                fill="between",
                fill_colors=[pen.color],
                fill_opacities=[0.18],
            )
            for pen in (pens if bands else ())
        ]
        self._lines = [
            bqplot.Lines(
                x=NOTHING, y=NOTHING, scales=scales, colors=[pen.color], line_style=pen.dash, stroke_width=1.6
            )
            for pen in pens
        ]
        self.figure = bqplot.Figure(
            marks=[*self._bands, *self._lines],
            axes=[self._across, self._up],
            fig_margin={"top": 8, "bottom": 36, "left": 48, "right": 12},
            animation_duration=0,
            background_style={"fill": "transparent"},
            min_aspect_ratio=0.01,
            max_aspect_ratio=100,
            layout=look.layout,
        )
        classed(self.figure, "gw-chart")

    def draw(self, curves: Sequence[Curve | None], *, also: float | None = None) -> None:
        """Draw one curve for each pen; None draws nothing.

        Parameters
        ----------
        curves : sequence of Curve or None
        also : float, optional
            A height that must be seen too.
        """
        self._fit(curves, also)
        for line, curve in zip(self._lines, curves, strict=True):
            with line.hold_sync():
                line.x = NOTHING if curve is None else _plain(curve.x)
                line.y = NOTHING if curve is None else _plain(curve.y)
        for band, curve in zip(self._bands, curves, strict=True) if self._bands else ():
            with band.hold_sync():
                if curve is None or curve.low is None or curve.high is None:
                    band.x, band.y = NOTHING, np.stack([NOTHING, NOTHING])
                else:
                    edges = np.stack([_plain(curve.low), _plain(curve.high)])
                    band.x, band.y = _plain(curve.x), np.clip(edges, *self._limits)  # type: ignore[misc]

    def restyle(self, pens: Sequence[Pen], y_label: str) -> None:
        """Use other pens and another title from now on, and forget the limits so far."""
        self._limits = None
        self._up.label = y_label
        for line, pen in zip(self._lines, pens, strict=True):
            with line.hold_sync():
                line.colors, line.line_style = [pen.color], pen.dash

    def _fit(self, curves: Sequence[Curve | None], also: float | None) -> None:
        shown = [_plain(curve.y) for curve in curves if curve is not None]
        seen = np.concatenate([*shown, [math.nan if also is None else also]])
        seen = seen[np.isfinite(seen)]
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (math.nan, math.nan)
        limits = comfortable_limits(low, high, self._limits)
        if limits != self._limits:
            self._limits = limits
            with self._y.hold_sync():
                self._y.min, self._y.max = limits


class CurvesPanel:
    """The two losses, with the band in which they moved.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    look : Look, optional
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

    def __init__(self, catalog: Catalog, look: Look | None = None) -> None:
        look = look or Look()
        self._chart = Chart(
            [Pen(DISCRIMINATOR), Pen(GENERATOR, "dashed")],
            look,
            x_label=catalog(N_("iteration")),
            y_label=catalog(N_("loss")),
            bands=True,
        )
        head = look.html(
            f'<span class="gw-title">{html.escape(catalog(N_("Losses")))}</span>'
            f'<span class="gw-chip"><i class="gw-stroke-d"></i>{html.escape(catalog(N_("discriminator")))}</span>'
            f'<span class="gw-chip"><i class="gw-stroke-g"></i>{html.escape(catalog(N_("generator")))}</span>',
            "gw-head",
        )
        self.widget = look.box([head, self._chart.figure], f"gw-{self.name}", "gw-panel")

    def draw(self, frame: Frame) -> None:
        """Draw `frame`'s losses."""
        self._chart.draw([_curve(frame, "loss_d"), _curve(frame, "loss_g")])


def _curve(frame: Frame, column: str) -> Curve | None:
    envelope = frame.losses.get(column)
    if envelope is None or not len(envelope[0]):
        return None
    iterations, low, mean, high = envelope
    return Curve(iterations, mean, low, high)


def _plain(values: np.ndarray) -> np.ndarray:
    """Return float64 values with a gap for whatever is not finite, which would break a scale."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)
