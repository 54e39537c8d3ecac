"""The sample gallery: generated images, always from the same noise, and ways to look closer."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ganwidgets.live.frames.explorer import DIRECTIONS, Exhibits, Explorer
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.pictures.image_grid import columns_of, packed
from ganwidgets.rendering.pictures.scene import COLUMNS
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.locked_inputs import GuardedDropdown
from ganwidgets.widgets.panels.samples.view import COUNTS, GalleryView

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame
    from ganwidgets.live.frames.substep_frame import Inside

__all__ = ["SamplesPanel"]

Told = tuple[dict[str, Any], dict[str, np.ndarray]]
"""Content and parts of a message to the gallery."""

ALL = "all"
"""Value for all classes, because None means no selection in ipywidgets."""

PAST_INTERVAL = 1.0
"""Minimum seconds between two updates of past samples during training."""

TROUBLES: Mapping[str, str] = MappingProxyType(
    {
        "neighbor": N_(
            "The nearest real image could not be found ({reason}). Training goes on; ask again, or choose another sample."
        ),
        "ways": N_(
            "The walk could not be drawn ({reason}). Training goes on; choose other samples or another direction."
        ),
        "past": N_("The past of A could not be drawn ({reason}). Training goes on; choose another sample."),
    }
)
"""Error texts of failed requests, by kind."""


class SamplesPanel:
    """A grid of generated images that can be zoomed, inspected and explored.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    explorer : Explorer
        Computes pictures of other noise and of the past.
    tasks : LatestOnlyTasks
        Runs the explorer in the background.
    request : callable
        Requests a redraw of the last moment; returns at once, thread-safe.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws; 0 draws every frame.
    widget : ipywidgets.Box
        Created once; later only messages go to its canvases.
    view : GalleryView
        Its traits contain the user's choices.
    choice : ipywidgets.Dropdown
        The class to see, while the generator takes labels.
    """

    name = "samples"
    interval = 0.0

    def __init__(
        self,
        catalog: Catalog,
        explorer: Explorer,
        tasks: LatestOnlyTasks,
        request: Callable[[], None],
        look: SharedStyle | None = None,
    ) -> None:
        self._explorer = explorer
        self._tasks = tasks
        self._request = request
        self.view = GalleryView(_words(catalog), self._choice, self._find_neighbor)
        self._catalog = catalog
        look = look or SharedStyle()
        self._classes: tuple[int, ...] = ()
        self._guard = threading.RLock()
        self.choice = GuardedDropdown(
            self._guard,
            lambda _label: request(),
            description=catalog(N_("Show")),
            tooltip=catalog(N_("Which class the generator is asked for.")),
            **look.of(GuardedDropdown, "gw-choice", "gw-shown-class", "gw-hidden"),
        )
        self.widget = look.box([self.choice, self.view], f"gw-{self.name}", "gw-panel")
        self._real: np.ndarray | None = None
        self._latents: np.ndarray | None = None
        self._exhibits: Exhibits | None = None
        self._looked_back = -np.inf

    @property
    def needs(self) -> frozenset[str]:
        """Observations for frames: latents, and scores while a sample is inspected."""
        judged = self.view.inspected >= 0 or self.view.chosen
        return frozenset({"latents", "scores"} if judged else {"latents"})

    @property
    def pictures(self) -> int:
        """Number of samples in frames."""
        return int(self.view.count)

    @property
    def label(self) -> int | None:
        """The only label in frames, or None for all labels."""
        return None if self.choice.value == ALL else self.choice.value

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of the choice, by CSS class."""
        return {"gw-shown-class": (self._catalog(N_("Class to see")), self.choice.tooltip)}

    def draw(self, frame: Frame) -> None:
        """Draw the images of `frame`, and update the results of the user's requests."""
        self.prepared(frame)()

    def prepared(self, frame: Frame) -> Callable[[], None]:
        """Prepare what :meth:`draw` sends; return a function that sends it."""
        content = self._samples(frame) if frame.inside is None else self._batch(frame, frame.inside)
        return partial(self._send, frame, *content)

    def _send(self, frame: Frame, content: dict[str, Any], parts: dict[str, np.ndarray]) -> None:
        self.view.send_parts("frame", content, parts)
        self._offer(frame.classes)
        self._go_ways()
        if frame.status != "running" or time.monotonic() - self._looked_back >= PAST_INTERVAL:
            self._look_back()

    def _samples(self, frame: Frame) -> Told:
        """Return a function that shows the samples of the fixed latents."""
        parts = {"generated": packed(frame.generated)}
        if frame.real is not self._real:
            self._real = frame.real
            parts["real"] = packed(frame.real)
        latents, scores = frame.seen.get("latents"), frame.seen.get("scores")
        if latents is not None and not (self._latents is not None and np.array_equal(latents, self._latents)):
            self._latents = latents
            parts["latents"] = latents
        if scores is not None:
            parts["scores"] = scores.generated
        content = {
            "iteration": frame.iteration,
            "columns": columns_of(frame),
            "labels": None if frame.labels is None else frame.labels.tolist(),
        }
        self._exhibits = Exhibits(len(frame.generated), frame.labels)
        return content, parts

    def _batch(self, frame: Frame, inside: Inside) -> Told:
        """Return a function that shows the batch of a walked update, with a note."""
        shown = min(self.pictures, len(inside.step.noise))
        generated, real, scores = inside.generated[:shown], inside.real, inside.seen.get("scores")
        self._real, self._latents = None, inside.seen["latents"]
        self._exhibits = None  # walks and neighbours are those of the fixed latents
        parts = {"generated": packed(generated), "real": packed(real), "latents": self._latents}
        if scores is not None:
            parts["scores"] = scores.generated[:shown]
        content = {
            "iteration": frame.iteration,
            "columns": math.ceil(math.sqrt(shown)),
            "labels": None,
            "batch": {"text": self._batch_text(inside, shown), "count": shown, "real": len(real)},
        }
        return content, parts

    def _batch_text(self, inside: Inside, shown: int) -> str:
        t, step = self._catalog, inside.step
        of_d = step.network == "discriminator"
        if step.generated is None:
            template = (
                N_(
                    "The batch of D's update: real images; the noise is drawn, nothing is generated of it yet."
                )
                if of_d
                else N_("The batch of G's update: the noise is drawn, nothing is generated of it yet.")
            )
        elif inside.before is not None:
            template = N_("The batch of G's update: what G would make of the same noise after it.")
        elif of_d:
            template = N_(
                "The batch of D's update: generated images, {shown} of {count}, and real ones below."
            )
        else:
            template = N_("The batch of G's update: generated images, {shown} of {count}.")
        return t(template, shown=shown, count=len(step.noise))

    def _offer(self, classes: tuple[int, ...]) -> None:
        """Offer `classes` as choices; hide the choice without classes."""
        if classes == self._classes:
            return
        self._classes, t = classes, self._catalog
        several = (
            t(N_("all classes")) if len(classes) <= COLUMNS else t(N_("the first {n} classes"), n=COLUMNS)
        )
        with self._guard:
            kept = self.choice.value if self.choice.value in classes else ALL
            options = [(t(N_("class {label}"), label=label), label) for label in classes]
            self.choice.options = [(several, ALL), *options] if classes else []
            self.choice.value = kept if classes else None
            (self.choice.remove_class if classes else self.choice.add_class)("gw-hidden")

    # --- the user's choices; on the thread of the browser's messages -------------------------------

    def _choice(self, name: str) -> None:
        if name == "hello":
            self._real = self._latents = None
        elif name in {"chosen", "direction"}:
            self._explorer.forget_directions()
        if name == "amount":
            self._go_ways()
            return
        if name == "inspected" and self.view.inspected < 0:
            return  # the text about the last one is valid until the next step
        if name in {"chosen", "direction", "hello"}:
            self._go_ways()
            self._look_back()
        self._request()

    def _find_neighbor(self, index: int) -> None:
        exhibits = self._exhibits
        if exhibits is None or index >= exhibits.count:
            return

        def find() -> None:
            found = self._explorer.neighbor(exhibits, index)
            self.view.send_parts(
                "neighbor",
                {"sample": index, "distance": found.distance, "typical": found.typical},
                {"neighbor": found.picture},
            )

        self._ask("neighbor", find)

    def _wanted(self) -> tuple[Exhibits, Sequence[int]] | None:
        """Return the displayed samples and the selected ones, if any."""
        exhibits = self._exhibits
        if exhibits is None:
            return None
        chosen = [index for index in self.view.chosen if index < exhibits.count]
        return (exhibits, chosen) if chosen else None

    def _go_ways(self) -> None:
        wanted = self._wanted()
        if wanted is None or (len(wanted[1]) < 2 and not self.view.direction):
            return

        def go() -> None:
            # The current choice, which may be newer than this request.
            ways = self._explorer.ways(*wanted, self.view.direction, self.view.amount)
            made = {"walk": ways.walk, "line": ways.line, "moved": ways.moved}
            self.view.send_parts("ways", {}, {name: part for name, part in made.items() if part is not None})

        self._ask("ways", go)

    def _look_back(self) -> None:
        wanted = self._wanted()
        if wanted is None:
            return
        self._looked_back = time.monotonic()
        exhibits, chosen = wanted

        def look() -> None:
            was = self._explorer.earlier(exhibits, chosen[0])
            parts = {} if was.pictures is None else {"past": was.pictures}
            self.view.send_parts("past", {"iterations": was.iterations, "sample": chosen[0]}, parts)

        self._ask("past", look)

    def _ask(self, kind: str, request: Callable[[], None]) -> None:
        """Run `request` in the background; show an error on the page if it fails."""

        def failed(error: Exception) -> None:
            template = self._catalog(TROUBLES[kind], reason=self._catalog.error(error))
            self.view.send_parts("trouble", {"kind": kind, "message": template}, {})

        self._tasks.ask(kind, request, failed)


def _words(t: Catalog) -> dict[str, object]:
    return {
        "grid": t(N_("Generated images; the arrow keys go from one to the next, Enter chooses")),
        "realGrid": t(N_("Real images")),
        "sample": t(N_("Sample {number}")),
        "label": t(N_("class {label}")),
        "score": t(N_("D: {share} real")),
        "count": t(N_("Samples")),
        "countHelp": t(N_("How many generated images are shown.")),
        "counts": [*COUNTS],
        "zoomIn": t(N_("Zoom in")),
        "zoomOut": t(N_("Zoom out")),
        "fit": t(N_("Fit")),
        "fitHelp": t(N_("Show all images in the width of the page.")),
        "realHelp": t(N_("Show images of the data, to compare.")),
        "generated": t(N_("generated")),
        "realChip": t(N_("real")),
        "same": t(N_("Always from the same noise: every change comes from the generator.")),
        "hint": t(N_("Point at an image to read its figures; choose one, or two for a walk between them.")),
        "latent": t(N_("Its noise, each number a bar")),
        "neighbor": t(N_("nearest real")),
        "find": t(N_("Find nearest real")),
        "findHelp": t(
            N_("Search the data for the image that is most like this one, pixel by pixel: is it a copy?")
        ),
        "near": t(N_("distance {distance}; a real image and its nearest: {typical}")),
        "walk": t(N_("Walk from A to B")),
        "walkHint": t(N_("Choose a second image to walk there.")),
        "walkAs": t(N_("all of them as class {label}: only the noise goes from A to B")),
        "direction": t(N_("Direction from A")),
        "directionHelp": t(
            N_("Direction of the noise of A: the one that changes its image most, or one of its numbers.")
        ),
        "none": t(N_("none")),
        "strongest": [t(N_("strongest change {number}"), number=n + 1) for n in range(DIRECTIONS)],
        "coordinate": t(N_("number {number} of the noise")),
        "amount": t(N_("How far from A along the direction, in standard deviations of the noise")),
        "past": t(N_("A through training")),
        "now": t(N_("now")),
        "pastHint": t(N_("Nothing earlier is kept yet.")),
        "clear": t(N_("Choose none")),
    }
