"""The plane: layers that show the behaviour of both networks, and can be hidden.

:data:`LAYERS` declares the layers and the observations that they need; ``plane_painters.js`` paints them,
under the same names. The map of D's verdict is drawn with ipycanvas, below the canvas with everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganwidgets.live.frames.substep_frame import MOST
from ganwidgets.live.observations import Focus
from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.plane.heatmap import heat_runs
from ganwidgets.rendering.plane.projection import Projection, projection_of
from ganwidgets.widgets.browser.canvases import drawing, make_canvas
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.plane.view import PlaneView

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame
    from ganwidgets.live.frames.substep_frame import Inside

__all__ = ["LAYERS", "Layer", "PlanePanel", "plane_words"]

CELLS = 64
"""Number of cells of the verdict along each side."""


@dataclass(frozen=True)
class Layer:
    """One layer of the plane.

    Attributes
    ----------
    name : str
        Its toggle carries the CSS class ``gw-layer-<name>``.
    label : str
        One or two words; translatable.
    help : str
        One sentence; translatable.
    shown : bool
        True if it is shown initially.
    needs : tuple of str
        Observations that it needs, by their names in :data:`ganwidgets.live.observations.OBSERVATIONS`.
    """

    name: str
    label: str
    help: str
    shown: bool
    needs: tuple[str, ...] = ()


LAYERS = (
    Layer(
        "verdict",
        N_("D's verdict"),
        N_("The discriminator's verdict at every place: blue means real, orange means generated."),
        shown=True,
        needs=("verdict",),
    ),
    Layer(
        "manifold",
        N_("manifold"),
        N_(
            "A regular grid over the noise, as the generator warps it: each cell gets the same number of "
            "samples, so small dark cells are crowded."
        ),
        shown=False,
        needs=("manifold",),
    ),
    Layer(
        "trails",
        N_("trails"),
        N_("The path of each generated sample over the last steps; older parts are paler."),
        shown=False,
        needs=("trails",),
    ),
    Layer("real", N_("real"), N_("Samples of the data that the generator learns to imitate."), shown=True),
    Layer(
        "gradients",
        N_("gradients"),
        N_(
            "The direction of the gradient at 150 generated samples; an arrow's length grows with the logarithm of the gradient's, on a fixed scale."
        ),
        shown=False,
        needs=("gradients",),
    ),
    Layer(
        "generated",
        N_("generated"),
        N_("Samples of the generator, always from the same noise: every change comes from the generator."),
        shown=True,
    ),
)
"""From the lowest to the highest."""

LEGEND = ("real", "generated", "verdict", "gradients", "manifold", "trails")
"""In reading order."""

PULLS = N_("Arrows: which way D's logit on each sample is to go; the longer, the more that sample counts.")

READ_OUT = frozenset({"latents", "scores"})
"""Observations for the description of a point under the pointer."""

Part = tuple[str, Any, np.ndarray]
"""Name of a part for the browser, its source, and its array."""


class PlanePanel:
    """Real and generated points over D's verdict, and their gradients.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    request : callable
        Called, on the thread of the browser's messages, when a page needs a complete redraw;
        must only note it.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws; 0 draws every frame.
    widget : ipywidgets.Box
        Created once; later only messages go to its canvases.
    view : PlaneView
        Its `layers` say which layers are shown.
    """

    name = "plane"
    interval = 0.0

    def __init__(
        self, catalog: Catalog, request: Callable[[], None], look: SharedStyle | None = None
    ) -> None:
        self._catalog = catalog
        look = look or SharedStyle()
        self._ask = request
        self._heat = make_canvas(CELLS, CELLS, look, request, "gw-heat")
        # The canvas on which each message ends; see `drawing`.
        self._rest = make_canvas(1, 1, look, request, "gw-rest")
        self.view = PlaneView(
            plane_words(catalog, LAYERS), {layer.name: layer.shown for layer in LAYERS}, self._needs_picture
        )
        ground = look.box([self._heat, self._rest], "gw-ground")
        self.widget = look.box([ground, self.view], f"gw-{self.name}", "gw-panel")
        self._sent: dict[str, Any] = {}
        self._layers_before: dict[str, Any] | None = None
        self._real: np.ndarray | None = None
        self._projection: Projection | None = None

    @property
    def needs(self) -> frozenset[str]:
        """Observations for the visible layers and for the description of a point."""
        needs = READ_OUT.union(*(layer.needs for layer in LAYERS if self.shows(layer.name)))
        if self.view.window is not None and "verdict" in needs:
            needs = needs - {"verdict"} | {"close_up"}
        return needs

    @property
    def class_needs(self) -> frozenset[str]:
        """Those of `needs` that the pages of a class show: they have no map of the verdict."""
        return self.needs - {"verdict", "close_up"}

    @property
    def focus(self) -> Focus:
        """The visible part of the plane, and the visible layers."""
        return Focus(self.view.window, self.view.trail)

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name of the map, by CSS class, without a tooltip."""
        return {"gw-heat": (self._catalog(N_("The discriminator's verdict")), "")}

    def shows(self, layer: str) -> bool:
        """Return True if a layer is shown."""
        return bool(self.view.layers.get(layer))

    def _show_walk(self, inside: Inside | None) -> None:
        """Show the layers of a walk through an update; afterwards restore the earlier ones."""
        if inside is not None and self._layers_before is None:
            self._layers_before = self.view.layers
            self.view.layers = {layer.name: layer.name != "manifold" for layer in LAYERS}
        elif inside is None and self._layers_before is not None:
            self.view.layers, self._layers_before = self._layers_before, None

    def _needs_picture(self, fresh: bool) -> None:
        if fresh:
            self._sent = {}
        self._ask()

    def draw(self, frame: Frame) -> None:
        """Draw `frame` in every layer that is shown."""
        if self._projection is None or frame.real is not self._real:
            self._real, self._projection = frame.real, projection_of(frame.real)
        projection = self._projection
        inside = frame.inside
        self._show_walk(inside)
        verdict, covered = frame.verdict, frame.extent
        if inside is not None and inside.verdict is not None:
            verdict = inside.verdict
        elif (close := frame.seen.get("close_up")) is not None:
            verdict, covered = close.verdict, close.extent
        parts = self._parts(frame, projection)
        before, self._sent = self._sent, {name: source for name, source, _ in parts}
        fresh = [(name, array) for name, source, array in parts if not _same(before.get(name), source)]
        kept = sorted({name for name, _, _ in parts} - {name for name, _ in fresh})
        judged = frame.extent is not None  # there is a map of the verdict, shown or not
        manifold = frame.seen.get("manifold")
        mapped = judged and self.shows("verdict")
        if verdict is not None or not mapped:  # a frame for a class alone has no map
            self._draw_map(list(heat_runs(verdict)) if mapped and verdict is not None else [])
        content = {
            "iteration": frame.iteration,
            "extent": frame.extent or projection.extent(frame.real),
            "axes": [axis.name for axis in frame.axes],
            "units": [[axis.center, axis.scale, axis.named] for axis in frame.axes],
            "judged": judged,
            "covered": covered,
            "layers": [layer.name for layer in LAYERS if layer.name != "verdict" or judged],
            "notes": self._notes(frame, projection),
            "share": 0.0 if manifold is None else manifold.share,
            "arrows": self.view.arrows,
            "keep": kept,
            "ghost": inside is not None and inside.before is not None,
            "walked": inside is not None,
            "parts": [[name, array.dtype.str[1:], array.shape] for name, array in fresh],
        }
        self.view.send({"frame": content}, buffers=[array.tobytes() for _, array in fresh])

    def _draw_map(self, runs: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]]) -> None:
        with drawing():
            cells = self._heat
            cells.clear()
            for cells.fill_style, x, y, width in runs:
                cells.fill_rects(x, y, width, 1)
            self._rest.clear()

    def _parts(self, frame: Frame, projection: Projection) -> list[Part]:
        """Return the parts of `frame` for the browser."""
        seen, real, generated = frame.seen, frame.real, frame.generated
        inside = frame.inside
        if inside is not None:
            seen, real, generated = inside.seen, inside.real, inside.generated
        parts: list[Part] = [
            ("real", real, _placed(projection, real, band=1)),
            ("generated", generated, _placed(projection, generated, band=-1)),
        ]
        if "latents" in seen:
            parts.append(("latents", seen["latents"], seen["latents"]))
        if "scores" in seen:
            scores = seen["scores"]
            parts += [
                ("score_real", scores, scores.real),
                ("score_generated", scores, scores.generated),
                ("logit_real", scores, scores.real_logits),
                ("logit_generated", scores, scores.generated_logits),
            ]
        if "gradients" in seen:
            gradients = seen["gradients"]
            descent = self.view.arrows == "loss" or inside is not None
            chosen = gradients.descent if descent else gradients.slope
            parts.append(("gradients", chosen, projection.directions(chosen)))
        if inside is not None and inside.pulls is not None:
            pulls = inside.pulls
            parts += [("pull_real", pulls, pulls.real), ("pull_generated", pulls, pulls.generated)]
        if "manifold" in seen:
            manifold = seen["manifold"]
            parts.append(("manifold", manifold, _placed(projection, manifold.corners, band=0)))
        if inside is not None and inside.before is not None:
            parts.append(("trails", inside.before, _placed(projection, inside.before[None], band=-1)))
        if "trails" in seen:
            trails = seen["trails"]
            parts.append(("trails", trails, _placed(projection, trails.positions, band=-1)))
        return parts

    def _notes(self, frame: Frame, projection: Projection) -> list[tuple[str, str]]:
        """Return the notes on the picture, each with its layer."""
        t = self._catalog
        notes: list[tuple[str, str]] = []
        if frame.inside is not None:
            template = N_("The batch of the update that is being looked into, at most {most} samples.")
            notes.append(("", t(template, most=MOST)))
            if frame.inside.pulls is not None:
                notes.append(("gradients", t(PULLS)))
            return notes
        if projection.features > 2:
            notes.append(
                (
                    "",
                    t(
                        N_(
                            "{count} coordinates, seen along the two directions of the real data's largest variance (PCA, {share} % of it)."
                        ),
                        count=projection.features,
                        share=round(100 * projection.kept),
                    ),
                )
            )
        gradients = frame.seen.get("gradients")
        if gradients is not None:
            chosen = gradients.descent if self.view.arrows == "loss" else gradients.slope
            strength = np.linalg.norm(chosen.reshape(len(chosen), -1), axis=1)
            finite = strength[np.isfinite(strength)]
            median = float(np.median(finite)) if len(finite) else float("nan")
            sentence = (
                N_("Arrows: where G's loss falls fastest; median length of the gradient {median}.")
                if self.view.arrows == "loss"
                else N_("Arrows: where D's logit rises fastest; median length of the gradient {median}.")
            )
            notes.append(("gradients", t(sentence, median=f"{median:.2g}")))
        manifold = frame.seen.get("manifold")
        if manifold is not None and manifold.sliced:
            notes.append(
                (
                    "manifold",
                    t(
                        N_(
                            "Manifold: a slice; the first two of the {count} noise numbers vary and the others are 0."
                        ),
                        count=manifold.latents.shape[-1],
                    ),
                )
            )
        trails = frame.seen.get("trails")
        if trails is not None and len(trails.iterations):
            notes.append(
                (
                    "trails",
                    t(
                        N_("Trails: since iteration {first}, {count} steps ago."),
                        first=int(trails.iterations[0]),
                        count=frame.iteration - int(trails.iterations[0]),
                    ),
                )
            )
        return notes


def _same(one: Any, other: Any) -> bool:
    """Return True if a part that was sent before need not be sent again."""
    if one is other:
        return True
    arrays = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return arrays and np.array_equal(one, other, equal_nan=True)


def _placed(projection: Projection, samples: np.ndarray, *, band: int) -> np.ndarray:
    """Return positions of samples ``[..., M, F]``, float32 ``[..., M, 2]``.

    Numbers on a line are spread over a band, above the line (1), below it (-1) or on it (0).
    """
    places = np.ascontiguousarray(projection.points(samples), np.float32)
    if projection.features == 1 and band:
        spread = 0.1 + 0.8 * ((0.618034 * np.arange(samples.shape[-2])) % 1)
        places[..., 1] = band * spread
    return places


def plane_words(t: Catalog, layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the words of a :class:`PlaneView` with these layers, from the lowest to the highest."""
    return {
        "name": t(
            N_(
                "Plane with real and generated points. Arrow keys go from point to point, plus and minus "
                "zoom, shift with arrow keys moves the picture, 0 shows all."
            )
        ),
        "layers": t(N_("Layers of the plane")),
        "layer": [{"name": layer.name, "label": t(layer.label), "help": t(layer.help)} for layer in layers],
        "legend": [name for name in LEGEND if name in {layer.name for layer in layers}],
        "real": t(N_("real")),
        "generated": t(N_("generated")),
        "score": t(N_("D says {score} (logit {logit})")),
        "latent": t(N_("noise {latent}")),
        "outside": t(N_("generated points outside: {count}")),
        "trail": t(N_("Trails")),
        "trailUnit": t(N_("steps")),
        "trailHelp": t(N_("The length of trails in steps; they begin when the layer is first shown.")),
        "arrows": t(N_("What the arrows show")),
        "arrowsHelp": t(
            N_(
                "Along G's loss a sample would serve the generator best; along D's gradient it would look "
                "more real to D. The lengths differ where the loss saturates."
            )
        ),
        "arrowKinds": [["loss", t(N_("descent of G's loss"))], ["slope", t(N_("gradient of D"))]],
        "saysGenerated": t(N_("D says generated")),
        "saysReal": t(N_("D says real")),
        "saysNothing": t(N_("undecided")),
        "zoom-in": t(N_("Zoom in (+, or turn the wheel over the plane)")),
        "zoom-out": t(N_("Zoom out (-)")),
        "zoom-home": t(N_("Show the whole plane again (0, or double-click)")),
    }
