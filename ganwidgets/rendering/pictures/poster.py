"""One moment of a run as a PNG, for readers without a kernel: GitHub, nbviewer, saved notebooks."""

from __future__ import annotations

import io
import math
from itertools import pairwise
from typing import Any

import numpy as np

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.axis_ticks import comfortable_limits, nice_ticks, typical_range
from ganwidgets.rendering.drawing.colors import DISCRIMINATOR, GENERATED, GENERATOR, REAL
from ganwidgets.rendering.drawing.glyphs import writable
from ganwidgets.rendering.drawing.phrases import STATES, spell_count
from ganwidgets.rendering.pictures.image_grid import columns_of, image_grid
from ganwidgets.rendering.pictures.snapshot_view import Shown
from ganwidgets.rendering.plane.heatmap import heat_image
from ganwidgets.rendering.plane.projection import projection_of

__all__ = ["enlarged", "poster", "render"]

SIZE = (900, 440)
SIDE = 340
POSTER, EDGE = 512, 12
"""Minimum pixels of the longer side of a grid that is the whole picture, and of the white border."""
LEFT, TOP = 44, 40
CURVE_BOX = (460, 40, 880, 380)
INK = "#212121"
QUIET = "#616161"
LINES = "#e4e4e4"
FINE = 2
"""Marks are drawn at this multiple of their size and then reduced, for smooth edges."""


def render(frame: Shown, catalog: Catalog) -> bytes:
    """Return `frame` as a PNG of 900 by 440 pixels on white.

    Parameters
    ----------
    frame : Frame
    catalog : Catalog
        The reader's language.

    Returns
    -------
    bytes
        The plane or the sample grid, the loss curves, and a line with the run's status.
    """
    file = io.BytesIO()
    _drawn(frame, catalog).save(file, "PNG", compress_level=6)
    return file.getvalue()


def poster(frame: Shown, catalog: Catalog) -> Any:
    """Return a moment as an RGB Pillow image: points with the curves, or enlarged images, with a line below.

    Images are enlarged by an integer factor, so that each of their pixels stays a square.
    """
    from PIL import Image, ImageDraw, ImageFont

    if frame.modality.on_plane:
        return _drawn(frame, catalog)
    grid = enlarged(image_grid(frame.generated, columns_of(frame)), POSTER)
    font = ImageFont.load_default(14)
    caption = _caption(frame, catalog)
    width = max(grid.width + 2 * EDGE, round(font.getlength(caption)) + 2 * EDGE)
    image = Image.new("RGB", (width, grid.height + 2 * EDGE + 28), "white")
    image.paste(grid, ((width - grid.width) // 2, EDGE))
    pen = ImageDraw.Draw(image)
    pen.text((EDGE, image.height - EDGE - 8), writable(caption), fill=INK, font=font, anchor="lm")
    return image


def enlarged(grid: np.ndarray, least: int) -> Any:
    """Return an RGBA grid on white as a Pillow image, enlarged by an integer factor to at least `least` pixels."""
    from PIL import Image

    image = Image.fromarray(grid)
    scale = max(1, -(-least // max(image.size)))
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _drawn(frame: Shown, catalog: Catalog) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", SIZE, "white")
    image.paste(_plane(frame) if frame.modality.on_plane else _tiles(frame), (LEFT, TOP))
    curves, limits = _curves(frame)
    image.paste(curves, CURVE_BOX[:2])
    pen = ImageDraw.Draw(image)
    small, text = ImageFont.load_default(11), ImageFont.load_default(13)
    if frame.modality.on_plane:
        _plane_axes(pen, frame, small)
        _legend(
            pen,
            text,
            LEFT,
            [(REAL, "square", catalog(N_("real"))), (GENERATED, "dot", catalog(N_("generated")))],
        )
    else:
        _legend(pen, text, LEFT, [(GENERATED, "dot", catalog(N_("generated")))])
    _legend(
        pen,
        text,
        CURVE_BOX[0],
        [
            (DISCRIMINATOR, "line", catalog(N_("loss of D"))),
            (GENERATOR, "dashes", catalog(N_("loss of G"))),
        ],
    )
    _curve_axes(pen, limits, small)
    pen.text((LEFT, SIZE[1] - 20), writable(_caption(frame, catalog)), fill=INK, font=text, anchor="lm")
    return image


def _caption(frame: Shown, catalog: Catalog) -> str:
    parts = [catalog(STATES.get(frame.status, frame.status))] if frame.status else []
    parts.append(catalog(N_("iteration {count}"), count=spell_count(frame.iteration, " ")))
    for name, template in (("loss_d", N_("loss of D {value}")), ("loss_g", N_("loss of G {value}"))):
        value = frame.record.get(name)
        if value is not None and math.isfinite(value):
            parts.append(catalog(template, value=f"{value:.3f}"))
    return "   \N{MIDDLE DOT}   ".join(parts)


def _tiles(frame: Shown) -> Any:
    from PIL import Image

    grid = Image.fromarray(image_grid(frame.generated, columns_of(frame)), "RGBA")
    scale = max(1, SIDE // max(grid.size)) if max(grid.size) <= SIDE else SIDE / max(grid.size)
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    grid = grid.resize((round(grid.width * scale), round(grid.height * scale)), way)
    white = Image.new("RGB", grid.size, "white")
    white.paste(grid, mask=grid.getchannel("A"))
    return white


def _plane(frame: Shown) -> Any:
    from PIL import Image, ImageDraw

    side = SIDE * FINE
    x0, x1, y0, y1 = frame.extent or projection_of(frame.real).extent(frame.real)
    ground = Image.new("RGBA", (side, side), "white")
    if frame.verdict is not None:
        heat = Image.fromarray(heat_image(frame.verdict), "RGBA")
        ground.alpha_composite(heat.resize((side, side), Image.Resampling.BILINEAR))
    pen = ImageDraw.Draw(ground)
    projection = projection_of(frame.real)
    for points, color, square in ((frame.real, REAL, True), (frame.generated, GENERATED, False)):
        places = projection.points(points)
        for x, y in places[np.isfinite(places).all(axis=1)].astype(float).tolist():
            across, down = (x - x0) / (x1 - x0) * side, (y1 - y) / (y1 - y0) * side
            if not (0 <= across <= side and 0 <= down <= side):
                continue
            if square:
                pen.rectangle((across - 3.5, down - 3.5, across + 3.5, down + 3.5), fill=color)
            else:
                pen.ellipse((across - 4, down - 4, across + 4, down + 4), fill=color)
    pen.rectangle((0, 0, side - 1, side - 1), outline="#bdbdbd", width=FINE)
    return ground.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)


def _plane_axes(pen: Any, frame: Shown, font: Any) -> None:
    x0, x1, y0, y1 = frame.extent or projection_of(frame.real).extent(frame.real)
    horizontal, vertical = frame.axes
    for value, label in horizontal.ticks(x0, x1):
        across = LEFT + (value - x0) / (x1 - x0) * SIDE
        pen.text((across, TOP + SIDE + 4), label, fill=QUIET, font=font, anchor="mt")
    for value, label in vertical.ticks(y0, y1):
        down = TOP + (y1 - value) / (y1 - y0) * SIDE
        pen.text((LEFT - 6, down), label, fill=QUIET, font=font, anchor="rm")
    title = horizontal.title(x0, x1)
    pen.text((LEFT + SIDE - 6, TOP + SIDE - 6), title, fill=QUIET, font=font, anchor="rb")
    pen.text((LEFT + 6, TOP + 6), vertical.title(y0, y1), fill=QUIET, font=font, anchor="lt")


def _legend(pen: Any, font: Any, x: float, entries: list[tuple[str, str, str]]) -> None:
    y = 20
    for color, mark, label in entries:
        if mark == "square":
            pen.rectangle((x, y - 4, x + 8, y + 4), fill=color)
        elif mark == "dot":
            pen.ellipse((x, y - 4, x + 8, y + 4), fill=color)
        else:
            for start, end in ((0, 20),) if mark == "line" else ((0, 8), (12, 20)):
                pen.line((x + start, y, x + end, y), fill=color, width=2)
        x += 26 if mark in {"line", "dashes"} else 14
        pen.text((x, y), writable(label), fill=INK, font=font, anchor="lm")
        x += pen.textlength(label, font=font) + 22


def _curves(frame: Shown) -> tuple[Any, tuple[float, float, float, float]]:
    """Return the two loss curves, and the range of the box: first and last iteration, lowest, highest."""
    from PIL import Image, ImageDraw

    width, height = CURVE_BOX[2] - CURVE_BOX[0], CURVE_BOX[3] - CURVE_BOX[1]
    curves = []
    for name, color, dashed in (("loss_d", DISCRIMINATOR, False), ("loss_g", GENERATOR, True)):
        if name in frame.losses:
            iterations, _, mean, _ = frame.losses[name]
            good = np.isfinite(mean)
            curves.append((np.asarray(iterations, float)[good], np.asarray(mean, float)[good], color, dashed))
    across = np.concatenate([np.empty(0), *(iterations for iterations, _, _, _ in curves)])
    low, high = comfortable_limits(*typical_range(*(values for _, values, _, _ in curves)))
    first, last = (across.min(), across.max()) if len(across) else (0.0, 1.0)
    last = max(last, first + 1)
    box = Image.new("RGB", (width * FINE, height * FINE), "white")
    pen = ImageDraw.Draw(box)
    for value in nice_ticks(low, high):
        down = (high - value) / (high - low) * height * FINE
        pen.line((0, down, width * FINE, down), fill=LINES, width=FINE)
    for iterations, values, color, dashed in curves:
        x = (iterations - first) / (last - first) * width * FINE
        y = (high - values.clip(low, high)) / (high - low) * height * FINE
        _polyline(pen, list(zip(x.tolist(), y.tolist(), strict=True)), color, dashed=dashed)
    pen.rectangle((0, 0, width * FINE - 1, height * FINE - 1), outline="#bdbdbd", width=FINE)
    return box.resize((width, height), Image.Resampling.BOX), (first, last, low, high)


def _polyline(pen: Any, points: list[tuple[float, float]], color: str, *, dashed: bool) -> None:
    """Draw a line through `points`; Pillow has no dashes, so this cuts the line into pieces."""
    width = round(1.8 * FINE)
    if not dashed:
        pen.line(points, fill=color, width=width, joint="curve")
        return
    on, period = 7.0 * FINE, 12.0 * FINE
    way = 0.0
    for (xa, ya), (xb, yb) in pairwise(points):
        length = math.hypot(xb - xa, yb - ya)
        done = 0.0
        while done < length:
            phase = (way + done) % period
            drawn = phase < on
            reach = min(length - done, (on if drawn else period) - phase + 1e-6)
            if drawn:
                a, b = done / length, (done + reach) / length
                pen.line(
                    (xa + a * (xb - xa), ya + a * (yb - ya), xa + b * (xb - xa), ya + b * (yb - ya)),
                    fill=color,
                    width=width,
                )
            done += reach
        way += length


def _curve_axes(pen: Any, limits: tuple[float, float, float, float], font: Any) -> None:
    left, top, right, bottom = CURVE_BOX
    first, last, low, high = limits
    for value in nice_ticks(low, high):
        down = top + (high - value) / (high - low) * (bottom - top)
        pen.text((left - 6, down), f"{value:g}", fill=QUIET, font=font, anchor="rm")
    for value in nice_ticks(first, last):
        across = left + (value - first) / (last - first) * (right - left)
        pen.text((across, bottom + 5), f"{value:g}", fill=QUIET, font=font, anchor="mt")
