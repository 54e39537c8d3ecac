"""The sample grid: generated images, always from the same noise, and real ones to compare."""

from __future__ import annotations

import html
import io
import math
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np

from ..messages import Catalog, N_
from .look import Look, classed

if TYPE_CHECKING:
    from ..live.frames import Frame

__all__ = ["SamplesPanel", "as_png", "columns_of", "image_grid"]


def columns_of(frame: Frame) -> int:
    """Return how many columns the grid of generated images has: one for each label, or about as many as rows."""
    if frame.labels is not None:
        return len(np.unique(frame.labels))
    return math.ceil(math.sqrt(len(frame.generated)))


def image_grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Return images side by side, one transparent pixel apart.

    Parameters
    ----------
    images : float array [N, C, H, W]
        In [0, 1]; of other than one or three channels, the first three are shown.
    columns : int, optional
        Images in a row; without it about as many as there are rows.

    Returns
    -------
    uint8 array [rows, columns, 4]
        RGBA; what is not finite is black.
    """
    count, channels, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    shown = images[:, :3] if channels >= 3 else np.repeat(images[:, :1], 3, axis=1)
    levels = np.rint(np.clip(np.nan_to_num(shown), 0, 1) * 255).astype(np.uint8)
    grid = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, 4), np.uint8)
    for place, image in enumerate(levels):
        top = place // columns * (height + 1)
        left = place % columns * (width + 1)
        tile = grid[top : top + height, left : left + width]
        tile[..., :3] = image.transpose(1, 2, 0)
        tile[..., 3] = 255
    return grid


def as_png(grid: np.ndarray) -> bytes:
    """Return a grid, uint8 [rows, columns, 4], as a PNG: every pixel as it is, quickly."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(grid).save(file, "PNG", compress_level=1)
    return file.getvalue()


NOTHING = as_png(np.zeros((1, 1, 4), np.uint8))
"""A picture of nothing; without any, browsers draw the sign of a broken one."""


class SamplesPanel:
    """A grid of generated images, at their own pixels, and a smaller one of real images.

    They are image widgets and not canvases: ipycanvas gives every image an address in the browser
    that is never taken back, so that a page would grow for as long as somebody watches.

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
        Made once; later only the two images change.
    """

    name = "samples"
    interval = 0.2

    def __init__(self, catalog: Catalog, look: Look | None = None) -> None:
        self._catalog = catalog
        look = look or Look()
        self._real, self._generated = (
            classed(ipywidgets.Image(value=NOTHING, layout=look.layout), "gw-pixels", f"gw-pixels-{kind}")
            for kind in ("real", "generated")
        )
        self._shown: np.ndarray | None = None
        caption = look.html(
            f'<span class="gw-chip"><i class="gw-dot"></i>{html.escape(catalog(N_("generated")))}</span>'
            f"<p>{html.escape(catalog(N_('Always from the same noise: what changes is the generator.')))}</p>"
            f'<span class="gw-chip"><i class="gw-square"></i>{html.escape(catalog(N_("real")))}</span>',
            "gw-caption",
        )
        beside = look.box([caption, self._real], "gw-beside")
        self.widget = look.box([self._generated, beside], f"gw-{self.name}", "gw-panel")

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """For each image's CSS class, its name for screen readers and no tooltip."""
        return {
            "gw-pixels-generated": (self._catalog(N_("Generated images")), ""),
            "gw-pixels-real": (self._catalog(N_("Real images")), ""),
        }

    def draw(self, frame: Frame) -> None:
        """Draw `frame`'s images."""
        if frame.real is not self._shown:
            self._shown = frame.real
            self._real.value = as_png(image_grid(frame.real))
        self._generated.value = as_png(image_grid(frame.generated, columns_of(frame)))
