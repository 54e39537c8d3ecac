"""Samples of several runs side by side, as HTML without a style sheet."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ganwidgets.rendering.drawing.colors import GENERATED, REAL
from ganwidgets.rendering.pictures.image_grid import as_png, image_grid

__all__ = ["samples_side_by_side"]

SIDE = 200
MOST = 300
"""Maximum number of points of a run."""

Floats = npt.NDArray[np.float32]


def samples_side_by_side(
    samples: Mapping[str, Floats], real: Floats | None = None, colors: Mapping[str, str] | None = None
) -> str:
    """Return a figure for each run: images as a grid, points in one plane for all runs.

    Parameters
    ----------
    samples : mapping of str to array
        [n, F] points (the first two coordinates are drawn), or [n, C, H, W] images in [0, 1].
    real : array, optional
        Real points, drawn beneath.
    colors : mapping of str to str, optional
        The colour of each figure's points. Points without an entry have the colour of generated samples.
    """
    planes = [each[:, :2] for each in samples.values() if each.ndim == 2]
    if real is not None and real.ndim == 2:
        planes.append(real[:, :2])
    else:
        real = None
    extent = _extent(planes) if planes else (0.0, 1.0, 0.0, 1.0)
    colors = colors or {}
    figures = []
    for name, each in samples.items():
        picture = (
            _points(each, real, extent, colors.get(name, GENERATED)) if each.ndim == 2 else _images(each)
        )
        figures.append(
            f'<figure style="display:inline-block;margin:0 12px 8px 0"><figcaption>{html.escape(name)}</figcaption>'
            f"{picture}</figure>"
        )
    return "".join(figures)


def _extent(planes: list[Floats]) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of a square around nearly all points."""
    points = np.concatenate(planes)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points) or points.shape[1] < 2:
        return -1.0, 1.0, -1.0, 1.0
    low, high = np.quantile(points, [0.005, 0.995], axis=0)
    middle, half = (low + high) / 2, float((high - low).max()) * 0.6 or 1.0
    return (
        float(middle[0]) - half,
        float(middle[0]) + half,
        float(middle[1]) - half,
        float(middle[1]) + half,
    )


def _points(
    points: Floats, real: Floats | None, extent: tuple[float, float, float, float], color_of_points: str
) -> str:
    x0, x1, y0, y1 = extent
    parts = []
    for each, color, size, shade in ((real, REAL, 1.6, 0.35), (points, color_of_points, 2.0, 0.8)):
        if each is None or each.shape[1] < 2:
            continue
        for x, y in each[:MOST, :2][np.isfinite(each[:MOST, :2]).all(axis=1)].tolist():
            across, down = (x - x0) / (x1 - x0) * SIDE, (y1 - y) / (y1 - y0) * SIDE
            if 0 <= across <= SIDE and 0 <= down <= SIDE:
                parts.append(
                    f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{size}" fill="{color}" fill-opacity="{shade}"/>'
                )
    return (
        f'<svg viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}"><rect width="{SIDE}" height="{SIDE}" '
        f'fill="none" stroke="currentColor" stroke-opacity="0.3"/>{"".join(parts)}</svg>'
    )


def _images(images: Floats) -> str:
    png = base64.b64encode(as_png(image_grid(images))).decode("ascii")
    return f'<img alt="" width="{SIDE}" style="image-rendering:pixelated" src="data:image/png;base64,{png}">'
