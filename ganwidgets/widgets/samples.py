"""The sample grid: generated images, always from the same noise, and real ones to compare."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np

from ..messages import Catalog, N_
from ..pictures.tiles import as_png, columns_of, image_grid
from .look import Look, classed

if TYPE_CHECKING:
    from ..live.frames import Frame

__all__ = ["SamplesPanel"]


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
