"""The sample grid: generated images, always from the same noise, and real ones to compare."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..messages import Catalog, N_
from .canvases import drawing, make_canvas
from .look import Look

if TYPE_CHECKING:
    from ..live.frames import Frame

__all__ = ["SamplesPanel", "image_grid"]


def image_grid(images: np.ndarray) -> np.ndarray:
    """Return images side by side, one transparent pixel apart.

    Parameters
    ----------
    images : float array [N, C, H, W]
        In [0, 1]; of other than one or three channels, the first three are shown.

    Returns
    -------
    uint8 array [rows, columns, 4]
        RGBA; what is not finite is black.
    """
    count, channels, height, width = images.shape
    columns = math.ceil(math.sqrt(count))
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


class SamplesPanel:
    """A grid of generated images, at their own pixels, and a smaller one of real images.

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
        The least number of seconds between two draws.
    widget : ipywidgets.Box
        Made once; later only canvas commands follow, and the canvases' sizes where the data's shape changed.
    """

    name = "samples"
    interval = 0.2

    def __init__(self, catalog: Catalog, request: Callable[[], None], look: Look | None = None) -> None:
        self._catalog = catalog
        look = look or Look()
        self._real = make_canvas(44, 44, look, request, "gw-pixels", "gw-pixels-real")
        self._generated = make_canvas(44, 44, look, request, "gw-pixels", "gw-pixels-generated")
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
        """For each canvas' CSS class, its name for screen readers and no tooltip."""
        return {
            "gw-pixels-generated": (self._catalog(N_("Generated images")), ""),
            "gw-pixels-real": (self._catalog(N_("Real images")), ""),
        }

    def draw(self, frame: Frame) -> None:
        """Draw `frame`'s images."""
        pictures = [
            (canvas, image_grid(images))
            for canvas, images in ((self._real, frame.real), (self._generated, frame.generated))
        ]
        for canvas, grid in pictures:
            height, width = grid.shape[:2]
            if (canvas.width, canvas.height) != (width, height):
                canvas.width, canvas.height = width, height
        with drawing():
            for canvas, grid in pictures:
                # Clearing would show at once, the image only when the browser has read it.
                canvas.global_composite_operation = "copy"
                canvas.put_image_data(grid)
