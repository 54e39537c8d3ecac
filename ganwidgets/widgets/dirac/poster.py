"""A Dirac-GAN as a PNG, for readers without a kernel: GitHub, nbviewer, a saved notebook."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

from ganwidgets.rendering.drawing.colors import GENERATED, REAL
from ganwidgets.rendering.pictures.poster import FINE, INK, LINES, QUIET

__all__ = ["render_dirac"]

SIZE = (900, 420)
PLANE = (60, 20, 420, 380)
CHART = (520, 20, 880, 380)


def render_dirac(scene: Mapping[str, Any], words: Mapping[str, str]) -> bytes:
    """Return the picture of a :class:`DiracView` for `scene` as a PNG of 900 by 420 pixels on white."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", SIZE, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(11)
    reach, (low, high) = scene["reach"], scene["decades"]
    ticks = [[value, f"{value:g}"] for value in (-2, -1, 0, 1, 2)]
    steps = max(1, len(scene["distance"]) - 1)
    _axes(pen, font, PLANE, ticks, ticks, (-reach, reach, -reach, reach), (words["theta"], words["psi"]))
    labels = words["steps"], words["distance"]
    _axes(pen, font, CHART, scene["xticks"], scene["yticks"], (0, steps, low, high), labels)

    plane = _Plot(PLANE, (-reach, reach, -reach, reach))
    for theta, psi, u, v in scene["field"]:
        plane.arrow((theta - u / 2, psi - v / 2), (theta + u / 2, psi + v / 2))
    plane.line(scene["path"], GENERATED)
    plane.dot(scene["path"][0], "#1976d2")
    plane.cross((0, 0), REAL)
    plane.put_on(image)
    chart = _Plot(CHART, (0, steps, low, high))
    chart.line(list(enumerate(scene["theory"])), QUIET)
    chart.line(list(enumerate(scene["distance"])), GENERATED)
    chart.put_on(image)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=6)
    return file.getvalue()


class _Plot:
    """The drawing area of a pair of axes, which clips at its edges."""

    def __init__(self, box: tuple[int, int, int, int], limits: tuple[float, float, float, float]) -> None:
        from PIL import Image, ImageDraw

        self._box, self._limits = box, limits
        self._width, self._height = (box[2] - box[0]) * FINE, (box[3] - box[1]) * FINE
        self._image = Image.new("RGBA", (self._width, self._height))
        self._pen = ImageDraw.Draw(self._image)

    def _at(self, point: Any) -> tuple[float, float] | None:
        if point is None or None in point:
            return None
        x0, x1, y0, y1 = self._limits
        return (point[0] - x0) / (x1 - x0) * self._width, (y1 - point[1]) / (y1 - y0) * self._height

    def line(self, points: list[Any], color: str) -> None:
        places = [place for place in map(self._at, points) if place is not None]
        self._pen.line(places, fill=color, width=2 * FINE, joint="curve")

    def arrow(self, tail: tuple[float, float], head: tuple[float, float]) -> None:
        a, b = self._at(tail), self._at(head)
        assert a is not None
        assert b is not None
        angle = math.atan2(b[1] - a[1], b[0] - a[0])
        wings = [
            (b[0] - 4 * FINE * math.cos(angle + turn), b[1] - 4 * FINE * math.sin(angle + turn))
            for turn in (0.5, -0.5)
        ]
        for line in ((a, b), (wings[0], b), (wings[1], b)):
            self._pen.line(line, fill="#9e9e9e", width=FINE)

    def dot(self, point: Any, color: str) -> None:
        place = self._at(point)
        assert place is not None
        reach = 5 * FINE
        box = (place[0] - reach, place[1] - reach, place[0] + reach, place[1] + reach)
        self._pen.ellipse(box, fill=color)

    def cross(self, point: Any, color: str) -> None:
        place = self._at(point)
        assert place is not None
        (x, y), reach = place, 6 * FINE
        self._pen.line((x - reach, y, x + reach, y), fill=color, width=3 * FINE)
        self._pen.line((x, y - reach, x, y + reach), fill=color, width=3 * FINE)

    def put_on(self, image: Any) -> None:
        from PIL import Image

        size = self._width // FINE, self._height // FINE
        small = self._image.resize(size, Image.Resampling.BOX)
        image.paste(small, self._box[:2], mask=small.getchannel("A"))


def _axes(
    pen: Any,
    font: Any,
    box: tuple[int, int, int, int],
    xticks: list[Any],
    yticks: list[Any],
    limits: tuple[float, float, float, float],
    labels: tuple[str, str],
) -> None:
    """Draw a frame with its grid and labels."""
    left, top, right, bottom = box
    x0, x1, y0, y1 = limits
    for value, label in xticks:
        across = left + (value - x0) / (x1 - x0) * (right - left)
        pen.line((across, top, across, bottom), fill=LINES)
        pen.text((across, bottom + 4), label, fill=QUIET, font=font, anchor="mt")
    for value, label in yticks:
        down = bottom - (value - y0) / (y1 - y0) * (bottom - top)
        pen.line((left, down, right, down), fill=LINES)
        pen.text((left - 5, down), label, fill=QUIET, font=font, anchor="rm")
    pen.rectangle(box, outline="#bdbdbd")
    # Pillow's own font has no Greek letters.
    across_name, up_name = (label.replace("θ", "theta").replace("ψ", "psi") for label in labels)
    pen.text(((left + right) / 2, bottom + 22), across_name, fill=INK, font=font, anchor="mt")
    pen.text((left, top - 16), up_name, fill=INK, font=font, anchor="lt")
