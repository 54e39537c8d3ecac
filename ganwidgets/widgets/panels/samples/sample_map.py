"""A map of images: real and generated ones as points; similar images are near each other.

Shown beside the gallery on request, and computed only then.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import ipywidgets
import numpy as np

from ganwidgets.live.frames.explorer import Explorer
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.plane.embedding import SEED, Embedding, embedding_of
from ganwidgets.rendering.plane.projection import Extent, Projection, projection_of
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.locked_inputs import GuardedDropdown
from ganwidgets.widgets.panels.plane.panel import LAYERS, plane_words
from ganwidgets.widgets.panels.plane.view import PlaneView

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame
    from ganwidgets.live.observations import Crowd

__all__ = ["SampleMap"]

SHOWN = ("real", "generated")

LARGEST = 32
"""Maximum length of a thumbnail's longer side, in pixels."""


PLACED = N_(
    "By their pixels, on the plane of the real images' largest variance; or by the features that judge the run, so that similar images are neighbours."
)

PCA, UMAP = "pca", "umap"
"""Values for the placement of images."""

SHARE = 0.1
"""Maximum share of the time for placing images by UMAP during training."""


class Places(NamedTuple):
    """Positions of images, float32 ``[M, 2]`` each, the visible square, and the name of an axis."""

    real: np.ndarray
    generated: np.ndarray
    extent: Extent
    axis: str


class SampleMap:
    """Many images as points: on the plane of the real images' largest variance, or on a map of their features.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    explorer : Explorer
        Computes the features of images.
    tasks : LatestOnlyTasks
        Computes maps of features in the background.
    request : callable
        Called, on the thread of the browser's messages, when another picture is needed.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws.
    widget : ipywidgets.Box
        A button, and the map below it while it is open.
    layout : ipywidgets.Dropdown
        How images are placed: ``"pca"`` or ``"umap"``.
    """

    name = "map"
    interval = 0.2

    def __init__(
        self,
        catalog: Catalog,
        explorer: Explorer,
        tasks: LatestOnlyTasks,
        request: Callable[[], None],
        look: SharedStyle | None = None,
    ) -> None:
        self._catalog = catalog
        self._explorer, self._tasks = explorer, tasks
        look = look or SharedStyle()
        self._ask = request
        layers = [layer for layer in LAYERS if layer.name in SHOWN]
        self.view = PlaneView(plane_words(catalog, layers), dict.fromkeys(SHOWN, True), self._needs_picture)
        self.layout = GuardedDropdown(
            threading.RLock(),
            lambda _: self._needs_picture(True),
            options=[(catalog(N_("pixels, by PCA")), PCA), (catalog(N_("features, by UMAP")), UMAP)],
            description=catalog(N_("Placed by")),
            tooltip=catalog(PLACED),
            **look.of(GuardedDropdown, "gw-choice", "gw-map-layout"),
        )
        self._map = look.box([self.layout, self.view], f"gw-{self.name}", "gw-panel", "gw-hidden")
        self.toggle = ipywidgets.ToggleButton(
            value=False,
            description=catalog(N_("Map of samples")),
            tooltip=catalog(
                N_("Show many real and generated images as points; similar images are near each other.")
            ),
            **look.of(ipywidgets.ToggleButton, "gw-map-toggle"),
        )
        self.toggle.observe(self._toggled, names=["value"])
        self.widget = look.box([self.toggle, self._map], "gw-images")
        self._drawn: Crowd | None = None
        self._real: np.ndarray | None = None
        self._projection: Projection | None = None
        self._embedding: tuple[np.ndarray, Embedding] | None = None
        self._rests_until = -math.inf

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of the choice, by CSS class."""
        return {"gw-map-layout": (self._catalog(N_("What images are placed by")), self.layout.tooltip)}

    @property
    def needs(self) -> frozenset[str]:
        """Observations that frames must contain while the map is open."""
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
        """Draw the images of `frame` if they have changed."""
        crowd: Crowd | None = frame.seen.get("crowd")
        if crowd is None or crowd is self._drawn:
            return
        if self.layout.value == PCA:
            self._drawn = crowd
            self._show(crowd, *self._flat(crowd))
        elif frame.status != "running" or time.monotonic() >= self._rests_until:
            self._drawn = crowd
            self._tasks.ask("map", partial(self._embed, crowd), partial(self._fail, crowd))

    def _flat(self, crowd: Crowd) -> tuple[Places, str]:
        """Return positions of the images on the first two principal components of the real ones, and a note."""
        real, generated = (images.reshape(len(images), -1) for images in (crowd.real, crowd.generated))
        if self._projection is None or self._real is not crowd.real:
            self._real, self._projection = crowd.real, projection_of(real)
        flat = self._projection
        note = self._catalog(
            N_(
                "Each point is an image at iteration {iteration}: {count} numbers, seen along the two directions of the real images' largest variance (PCA, {share} % of it)."
            ),
            iteration=crowd.iteration,
            count=flat.features,
            share=round(100 * flat.kept),
        )
        return Places(flat.points(real), flat.points(generated), flat.extent(real), "PC"), note

    def _embed(self, crowd: Crowd) -> None:
        """Show the images on a map of their features; runs on the background thread."""
        began = time.monotonic()
        known = self._embedding
        if known is None or known[0] is not crowd.real:
            self._show_note(
                N_("The map is fitted to the real images, once; that takes some seconds."), crowd.iteration
            )
            real = self._explorer.features_of(crowd.real)
            known = self._embedding = crowd.real, embedding_of(real.features)
        embedding, seen = known[1], self._explorer.features_of(crowd.generated)
        places = Places(embedding.real, embedding.points(seen.features), embedding.extent, "UMAP")
        note = self._catalog(
            N_(
                "Each point is an image at iteration {iteration}, placed by UMAP by what features see of it "
                "({features}): neighbours are alike, while axes and long distances mean nothing. The map was fitted "
                "once, to real images, with the seed {seed}."
            ),
            iteration=crowd.iteration,
            features=self._catalog(seen.name),
            seed=SEED,
        )
        ended = time.monotonic()
        self._rests_until = ended + (ended - began) / SHARE
        if self.layout.value == UMAP:
            self._show(crowd, places, note)

    def _fail(self, crowd: Crowd, error: Exception) -> None:
        """Show why the map cannot be computed, and switch to the other one."""
        places, _ = self._flat(crowd)
        self._show(crowd, places, self._catalog.error(error))

    def _show_note(self, note: str, iteration: int) -> None:
        """Show a text while there are no points."""
        nothing = np.zeros((0, 2), np.float32)
        self._send(
            iteration, Places(nothing, nothing, (-1.0, 1.0, -1.0, 1.0), "UMAP"), self._catalog(note), []
        )

    def _show(self, crowd: Crowd, places: Places, note: str) -> None:
        images = [("image_real", _thumbnails(crowd.real)), ("image_generated", _thumbnails(crowd.generated))]
        self._send(crowd.iteration, places, note, images)

    def _send(self, iteration: int, places: Places, note: str, images: list[tuple[str, np.ndarray]]) -> None:
        parts = [("real", places.real), ("generated", places.generated), *images]
        content = {
            "iteration": iteration,
            "extent": places.extent,
            "axes": [f"{places.axis} 1", f"{places.axis} 2"],
            "judged": False,
            "layers": list(SHOWN),
            "notes": [("", note)],
            "share": 0.0,
            "arrows": "loss",
            "keep": [],
            "parts": [[name, array.dtype.str[1:], array.shape] for name, array in parts],
        }
        self.view.send({"frame": content}, buffers=[array.tobytes() for _, array in parts])


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """Return thumbnails of images ``[N, C, H, W]`` in [0, 1], uint8 ``[N, h, w, 1 or 3]``."""
    every = math.ceil(max(images.shape[2:]) / LARGEST)
    channels = 3 if images.shape[1] >= 3 else 1
    small = images[:, :channels, ::every, ::every]
    return np.ascontiguousarray(np.rint(255 * small).astype(np.uint8).transpose(0, 2, 3, 1))
