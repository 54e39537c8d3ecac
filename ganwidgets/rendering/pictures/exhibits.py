"""Pictures of a game's exhibits: images in rows, points in a plane."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ganwidgets.games.game import Exhibit
from ganwidgets.messages import Catalog
from ganwidgets.rendering.drawing.colors import TONES, rgb
from ganwidgets.rendering.drawing.glyphs import writable
from ganwidgets.rendering.drawing.tones import exhibit_tones
from ganwidgets.rendering.pictures.image_grid import as_png, image_grid

__all__ = ["drawable", "exhibits_picture", "poster_of", "row_of", "scatter_of"]

Floats = npt.NDArray[np.float32]

SIDE = 320
"""Pixels of a plane."""

WIDE, EDGE, LINE = 600, 12, 20
"""Minimum width of a poster, width of its margins and gaps, and height of a caption, in pixels."""


def drawable(images: Floats, kind: str) -> tuple[Floats, float]:
    """Return images scaled to [0, 1], and their greatest magnitude.

    In images of signed values, 0 becomes grey, and the greatest magnitude black or white.
    """
    if kind == "samples":
        return images, 1.0
    finite = np.abs(images[np.isfinite(images)])
    largest = float(finite.max()) if finite.size else 0.0
    return np.asarray(0.5 + images / (2 * largest or 1.0), np.float32), largest


def row_of(images: Floats, kind: str) -> tuple[bytes, int, float]:
    """Return images side by side as a PNG, its width in pixels, and the greatest magnitude in the images."""
    shown, largest = drawable(images, kind)
    grid = image_grid(shown, len(shown))
    return as_png(grid), grid.shape[1], largest


def scatter_of(exhibits: Sequence[Exhibit], seen: Mapping[str, Floats]) -> bytes:
    """Return the points of all exhibits, by their first two coordinates, in one plane as a PNG."""
    return _png(_scatter(exhibits, seen))


def _scatter(exhibits: Sequence[Exhibit], seen: Mapping[str, Floats]) -> Any:
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    planes = {e.name: _plane(seen[e.name]) for e in exhibits if e.name in seen}
    everything = np.concatenate(
        [each for each in planes.values() if len(each)] or [np.zeros((1, 2), np.float32)]
    )
    center = (everything.max(axis=0) + everything.min(axis=0)) / 2
    reach = max(float(np.abs(everything - center).max()), 1e-6) * 1.1
    tones = exhibit_tones(exhibits)
    for name, points in planes.items():
        color = TONES[tones[name]]
        for x, y in (points - center) / reach * SIDE / 2:
            across, up = SIDE / 2 + x, SIDE / 2 - y
            pen.ellipse((across - 2, up - 2, across + 2, up + 2), fill=(*rgb(color), 170))
    return image


def _plane(points: Floats) -> Floats:
    flat = points.reshape(len(points), -1)[:, :2]
    if flat.shape[1] < 2:
        flat = np.concatenate([flat, np.zeros_like(flat)], axis=1)
    kept: Floats = flat[np.isfinite(flat).all(axis=1)]
    return kept


def poster_of(
    exhibits: Sequence[Exhibit], seen: Mapping[str, Floats], caption: str, catalog: Catalog
) -> bytes:
    """Return :func:`exhibits_picture` as a PNG."""
    return _png(exhibits_picture(exhibits, seen, caption, catalog))


def exhibits_picture(
    exhibits: Sequence[Exhibit], seen: Mapping[str, Floats], caption: str, catalog: Catalog
) -> Any:
    """Return all exhibits with their names, and `caption` below, as an RGB Pillow image on white."""
    from PIL import Image, ImageDraw, ImageFont

    pictures = []
    flat = [e for e in exhibits if e.name in seen and seen[e.name].ndim != 4]
    for exhibit in exhibits:
        if exhibit.name in seen and exhibit not in flat:
            shown, _ = drawable(seen[exhibit.name], exhibit.kind)
            picture = Image.fromarray(image_grid(shown, len(shown)))
            scale = -(-(WIDE - 2 * EDGE) // picture.width)
            size = picture.width * scale, picture.height * scale
            pictures.append((catalog(exhibit.label), picture.resize(size, Image.Resampling.NEAREST)))
    if flat:
        pictures.append((", ".join(catalog(e.label) for e in flat), _scatter(flat, seen)))
    width = max([WIDE, *(picture.width + 2 * EDGE for _, picture in pictures)])
    height = sum(picture.height + LINE + EDGE for _, picture in pictures) + 2 * EDGE + LINE
    whole = Image.new("RGB", (width, height), "white")
    pen, font, top = ImageDraw.Draw(whole), ImageFont.load_default(13), EDGE
    for label, picture in pictures:
        pen.text((EDGE, top), writable(label), fill="#212121", font=font)
        whole.paste(picture, (EDGE, top + LINE), picture)
        top += LINE + picture.height + EDGE
    pen.text((EDGE, top), writable(caption), fill="#616161", font=font)
    return whole


def _png(image: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
