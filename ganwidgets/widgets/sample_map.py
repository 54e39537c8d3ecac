"""A map of images: real and generated ones as points, near each other where they are alike.

Shown beside the gallery when somebody asks for it, and computed only then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np

from ..messages import Catalog, N_
from ..pictures.projection import Projection, projection_of
from .look import Look, classed
from .plane import LAYERS, plane_words
from .plane_view import PlaneView

if TYPE_CHECKING:
    from ..live.frames import Frame
    from ..live.observations import Crowd

__all__ = ["SampleMap"]

SHOWN = ("real", "generated")

LARGEST = 32
"""Pixels of a thumbnail along its longer side at most."""


class SampleMap:
    """Many images on the plane in which the real ones vary most.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    request : callable
        Called, on the thread of the browser's messages, when another picture is needed.
    look : Look, optional
        What it shares with the rest of one widget.

    Attributes
    ----------
    name : str
    interval : float
        The least number of seconds between two draws.
    widget : ipywidgets.Box
        A button, and below it the map where it is open.
    """

    name = "map"
    interval = 0.2

    def __init__(self, catalog: Catalog, request: Callable[[], None], look: Look | None = None) -> None:
        self._catalog = catalog
        look = look or Look()
        self._ask = request
        layers = [layer for layer in LAYERS if layer.name in SHOWN]
        self.view = PlaneView(plane_words(catalog, layers), dict.fromkeys(SHOWN, True), self._needs_picture)
        self._map = look.box([self.view], f"gw-{self.name}", "gw-panel", "gw-hidden")
        self.toggle = classed(
            ipywidgets.ToggleButton(
                value=False,
                description=catalog(N_("Map of samples")),
                tooltip=catalog(
                    N_("Show many real and generated images as points, near each other where they are alike.")
                ),
                **look.of(ipywidgets.ToggleButton),
            ),
            "gw-map-toggle",
        )
        self.toggle.observe(self._toggled, names=["value"])
        self.widget = look.box([self.toggle, self._map], "gw-images")
        self._drawn: Crowd | None = None
        self._real: np.ndarray | None = None
        self._projection: Projection | None = None

    @property
    def needs(self) -> frozenset[str]:
        """What frames are to carry while the map is open."""
        return frozenset({"crowd"} if self.toggle.value else ())

    def _toggled(self, change: dict[str, bool]) -> None:
        if change["new"]:
            self._map.remove_class("gw-hidden")
        else:
            self._map.add_class("gw-hidden")
        self._ask()

    def _needs_picture(self, fresh: bool) -> None:
        if fresh:
            self._drawn = None
        self._ask()

    def draw(self, frame: Frame) -> None:
        """Draw the images that `frame` carries, where they are others than before."""
        crowd: Crowd | None = frame.seen.get("crowd")
        if crowd is None or crowd is self._drawn:
            return
        self._drawn = crowd
        flat = crowd.real.reshape(len(crowd.real), -1)
        if self._projection is None or self._real is not crowd.real:
            self._real, self._projection = crowd.real, projection_of(flat)
        projection = self._projection
        parts = [
            ("real", projection.points(flat)),
            ("generated", projection.points(crowd.generated.reshape(len(crowd.generated), -1))),
            ("image_real", _thumbnails(crowd.real)),
            ("image_generated", _thumbnails(crowd.generated)),
        ]
        said = self._catalog(
            N_(
                "Each point is an image at iteration {iteration}: {count} numbers, seen along the two directions "
                "in which real images vary most (PCA, {share} % of their variance)."
            ),
            iteration=crowd.iteration,
            count=projection.features,
            share=round(100 * projection.kept),
        )
        content = {
            "iteration": crowd.iteration,
            "extent": projection.extent(flat),
            "axes": ["PC 1", "PC 2"],
            "judged": False,
            "layers": list(SHOWN),
            "notes": [("", said)],
            "share": 0.0,
            "arrows": "loss",
            "keep": [],
            "parts": [[name, array.dtype.str[1:], array.shape] for name, array in parts],
        }
        self.view.send({"frame": content}, buffers=[array.tobytes() for _, array in parts])


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """Return images ``[N, C, H, W]`` in [0, 1] as small ones, uint8 ``[N, h, w, 1 or 3]``."""
    every = math.ceil(max(images.shape[2:]) / LARGEST)
    channels = 3 if images.shape[1] >= 3 else 1
    small = images[:, :channels, ::every, ::every]
    return np.ascontiguousarray(np.rint(255 * small).astype(np.uint8).transpose(0, 2, 3, 1))
