"""The plane: D's verdict as a map, real and generated points on it."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..messages import Catalog, N_
from .canvases import drawing, make_canvas
from .colors import GENERATED, REAL
from .heat import heat_runs
from .look import Look
from .scales import nice_ticks

if TYPE_CHECKING:
    from ..live.frames import Frame

__all__ = ["PlanePanel", "extent_of"]

CELLS = 64
"""Cells of the verdict along each side."""
PIXELS = 720
"""Pixels of the points' canvas along each side: two for each pixel of the page, for crisp marks."""
SQUARE = 8.0
DOT = 4.5
"""Side of a real point's square and radius of a generated point's dot, in canvas pixels."""
MARGIN = 0.1
"""How far a plane without a given extent reaches beyond the real points, as a share of their range."""

Extent = tuple[float, float, float, float]


class PlanePanel:
    """Real and generated points over D's verdict.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    request : callable
        Called, on the thread of the browser's messages, when a page needs everything drawn again;
        must only note it.
    look : Look, optional
        What it shares with the rest of one widget.

    Attributes
    ----------
    name : str
    interval : float
        The least number of seconds between two draws; 0 draws every frame.
    widget : ipywidgets.Box
        Made once; later only canvas commands and two short texts change.
    """

    name = "plane"
    interval = 0.0

    def __init__(self, catalog: Catalog, request: Callable[[], None], look: Look | None = None) -> None:
        self._catalog = catalog
        look = look or Look()
        self._heat = make_canvas(CELLS, CELLS, look, request, "gw-heat")
        self._points = make_canvas(PIXELS, PIXELS, look, request, "gw-points")
        self._axes = look.html("", "gw-axes")
        self._legend = look.html("", "gw-legend")
        stage = look.box([self._axes, self._heat, self._points], "gw-stage")
        self.widget = look.box([stage, self._legend], f"gw-{self.name}", "gw-panel")
        self._scaled: tuple[Extent, int] | None = None
        self._told: tuple[int, int] | None = None
        self._tell(0, 2)

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """For the canvas' CSS class, its name for screen readers and no tooltip."""
        return {
            "gw-points": (
                self._catalog(N_("Plane with real and generated points over the discriminator's verdict")),
                "",
            ),
            "gw-heat": (self._catalog(N_("The discriminator's verdict")), ""),
        }

    def draw(self, frame: Frame) -> None:
        """Draw `frame`'s points and verdict."""
        features = frame.real.shape[1]
        extent = frame.extent or extent_of(frame.real)
        real = _on_canvas(frame.real, extent, upper=True)
        generated = _on_canvas(frame.generated, extent, upper=False)
        heat = [] if frame.verdict is None else list(heat_runs(frame.verdict))
        if self._scaled != (extent, features):
            self._scaled = (extent, features)
            self._axes.value = _axes(extent, features)
        outside = len(frame.generated) - int(((generated >= 0) & (generated <= PIXELS)).all(axis=0).sum())
        if self._told != (outside, features):
            self._tell(outside, features)
        with drawing():
            cells = self._heat
            cells.clear()
            for cells.fill_style, x, y, width in heat:
                cells.fill_rects(x, y, width, 1)
            points = self._points
            points.clear()
            points.global_alpha = 0.8
            points.fill_style = REAL
            points.fill_rects(real[0] - SQUARE / 2, real[1] - SQUARE / 2, SQUARE)
            points.global_alpha = 0.9
            points.fill_style = GENERATED
            points.fill_circles(generated[0], generated[1], DOT)

    def _tell(self, outside: int, features: int) -> None:
        """Write the legend, with what the picture leaves out."""
        self._told = (outside, features)
        t = self._catalog
        notes = []
        if outside:
            notes.append(t(N_("generated points outside: {count}"), count=outside))
        if features > 2:
            notes.append(t(N_("the first two of {count} coordinates"), count=features))
        said = "".join(f'<span class="gw-remark">{html.escape(note)}</span>' for note in notes)
        self._legend.value = (
            f'<span class="gw-chip"><i class="gw-square"></i>{html.escape(t(N_("real")))}</span>'
            f'<span class="gw-chip"><i class="gw-dot"></i>{html.escape(t(N_("generated")))}</span>'
            f'<span class="gw-chip gw-verdict">{html.escape(t(N_("D says generated")))}<i class="gw-ramp"></i>'
            f"{html.escape(t(N_('D says real')))}</span>{said}"
        )


def extent_of(real: np.ndarray) -> Extent:
    """Return where to look when nobody says: around the real points' first two coordinates."""
    low = np.nanmin(real[:, :2], axis=0)
    high = np.nanmax(real[:, :2], axis=0)
    margin = np.maximum(MARGIN * (high - low), 1e-3)
    (x0, x1), *rest = [(float(a), float(b)) for a, b in zip(low - margin, high + margin, strict=True)]
    y0, y1 = rest[0] if rest else (-1.0, 1.0)
    return x0, x1, y0, y1


def _on_canvas(points: np.ndarray, extent: Extent, *, upper: bool) -> np.ndarray:
    """Return float32 [2, M]: where finite points lie on the canvas, in its pixels.

    Numbers on a line are spread over a band, the real ones above and the generated ones below.
    """
    if points.shape[1] == 1:
        spread = 0.1 + 0.8 * ((0.618034 * np.arange(len(points))) % 1)
        points = np.column_stack([points[:, 0], spread if upper else -spread])
    points = points[np.isfinite(points).all(axis=1)].astype(np.float64)
    x0, x1, y0, y1 = extent
    across = (points[:, 0] - x0) * (PIXELS / (x1 - x0))
    down = (y1 - points[:, 1]) * (PIXELS / (y1 - y0))
    # Far outside is outside; a canvas does not draw numbers near the limits of a float.
    return np.clip(np.stack([across, down]), -PIXELS, 2 * PIXELS).astype(np.float32)


def _axes(extent: Extent, features: int) -> str:
    """Return the grid lines and their numbers, placed in percent of the plane's sides."""
    x0, x1, y0, y1 = extent
    marks = []
    for value in nice_ticks(x0, x1):
        place = f"left:{100 * (value - x0) / (x1 - x0):.2f}%"
        marks.append(
            f'<i class="gw-line-x" style="{place}"></i><b class="gw-tick-x" style="{place}">{_label(value)}</b>'
        )
    for value in nice_ticks(y0, y1) if features > 1 else []:
        place = f"bottom:{100 * (value - y0) / (y1 - y0):.2f}%"
        marks.append(
            f'<i class="gw-line-y" style="{place}"></i><b class="gw-tick-y" style="{place}">{_label(value)}</b>'
        )
    return "".join(marks)


def _label(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
