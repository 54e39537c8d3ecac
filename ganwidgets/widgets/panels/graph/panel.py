"""The model overview graph: noise, generator, samples, discriminator, verdicts, losses, and both loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ganwidgets.messages import Catalog
from ganwidgets.rendering.drawing.axis_ticks import comfortable_limits, typical_range
from ganwidgets.rendering.pictures.image_grid import levels
from ganwidgets.rendering.plane.heatmap import shades
from ganwidgets.rendering.plane.projection import Extent, Projection, projection_of
from ganwidgets.widgets.panels.graph.texts import descriptions, values_of, words
from ganwidgets.widgets.panels.graph.view import GraphView

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame
    from ganwidgets.live.frames.substep_frame import Inside

__all__ = ["STAGES", "GraphPanel"]

INTERVAL = 0.2
"""Seconds between two draws of the miniatures."""

POINTS, IMAGES = 150, 9
"""Maximum number of samples in a miniature, points and images."""

WIDEST = 3.0
"""Displayed range of normal noise, in standard deviations."""

CURVES = ("loss_d", "loss_g", "grad_norm_d", "grad_norm_g")

STAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "noise": ("noise", "real"),
        "generate": ("generator", "generated"),
        "classify": ("discriminator", "score_real", "score_generated"),
        "loss": ("loss_{x}",),
        "gradients": ("gradient_{x}",),
        "update": ("gradient_{x}", "{network}"),
    }
)
"""The parts that each sub-step of an update concerns; x is the network's letter."""

REAL = frozenset({"real", "score_real"})
"""Parts that the generator's update does not involve."""

Part = tuple[str, np.ndarray]


class GraphPanel:
    """Miniatures of all parts, the flow between them, and each part large.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    request : callable
        Called, on the thread of the browser's messages, when a page needs a complete redraw;
        must only note it.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws.
    widget : GraphView
        Created once; later only messages go to it. Its trait `unfolded` folds the graph.
    """

    name = "graph"
    interval = INTERVAL

    def __init__(self, catalog: Catalog, request: Callable[[], None]) -> None:
        self._catalog = catalog
        self._ask = request
        self.widget = GraphView(words(catalog), self._needs_picture)
        self._sent: dict[str, np.ndarray] = {}
        self._real: np.ndarray | None = None
        self._projection: Projection | None = None
        self._limits: tuple[float, float] | None = None
        self._learnt: tuple[Any, Any] = (None, None)
        self._learning = "dg"

    @property
    def needs(self) -> frozenset[str]:
        """Observations that frames must contain; none while the graph is folded."""
        if not self.widget.unfolded:
            return frozenset()
        return frozenset({"latents", "scores", "verdict", "gradients", "manifold", "slice"})

    def _needs_picture(self, fresh: bool) -> None:
        if fresh:
            self._sent = {}
        self._ask()

    def draw(self, frame: Frame) -> None:
        """Send `frame`'s miniatures and words, unless the graph is folded."""
        self.prepared(frame)()

    def prepared(self, frame: Frame) -> Callable[[], None]:
        """Prepare what :meth:`draw` sends; return a function that sends it."""
        if not self.widget.unfolded:
            return lambda: None
        if self._projection is None or frame.real is not self._real:
            self._real = frame.real
            self._projection = projection_of(frame.real) if frame.modality.on_plane else None
        learning = self._learners(frame)
        stage: tuple[str, ...] = ()
        if frame.inside is not None:
            step = frame.inside.step
            learning, stage = step.network[0], _parts_of(step.stage, step.network)
            frame = _walked(frame, frame.inside)
        images = not frame.modality.on_plane
        parts = _image_parts(frame) if images else self._point_parts(frame)
        parts += [(column, curve) for column in CURVES if (curve := _curve(frame, column)) is not None]
        if frame.seen.get("scores") is not None:
            scores, most = frame.seen["scores"], None if images else POINTS
            parts += [("score_real", scores.real[:most]), ("score_generated", scores.generated[:most])]
        before, self._sent = self._sent, dict(parts)
        fresh = [(name, array) for name, array in parts if not _same(before.get(name), array)]
        manifold = frame.seen.get("manifold")
        content = {
            "view": frame.modality.view,
            "status": frame.status,
            "steps": _finite(frame.steps_per_second) or 0.0,
            "learning": learning,
            "stage": stage,
            "values": values_of(frame),
            "descriptions": descriptions(frame, self._catalog),
            "record": {name: _finite(frame.record.get(name)) for name in ("loss_d", "loss_g")},
            "limits": self._scale(frame),
            "share": 0.0 if manifold is None else manifold.share,
            "whole": manifold is not None and not manifold.sliced,
            "keep": sorted({name for name, _ in parts} - {name for name, _ in fresh}),
            "parts": [[name, array.dtype.str[1:], array.shape] for name, array in fresh],
        }
        return partial(self.widget.send, {"frame": content}, buffers=[array.tobytes() for _, array in fresh])

    def _learners(self, frame: Frame) -> str:
        """Return the networks that were updated since the last picture, recognized by their losses."""
        record = frame.record
        learnt = record.get("loss_d"), record.get("loss_g")
        # The loss of a frozen network is still measured, but it has no gradient.
        moved = [
            letter
            for letter, now, before in zip("dg", learnt, self._learnt, strict=True)
            if not _same_number(now, before) and not math.isnan(record.get(f"grad_norm_{letter}", 0.0))
        ]
        self._learnt = learnt
        if frame.iteration == 0 and not record:
            self._learning = "dg"
        elif moved:
            self._learning = "".join(moved)
        return self._learning

    def _scale(self, frame: Frame) -> tuple[float, float]:
        """Return the scale of both losses' bars: round limits that include 0 and the past losses."""
        seen = [0.0]
        for name in ("loss_d", "loss_g"):
            envelope, now = frame.losses.get(name), frame.record.get(name, math.nan)
            known = np.array([now]) if envelope is None else np.append(envelope[2], now)
            known = known[np.isfinite(known)]
            if len(known):
                # A few outliers, often the first values, would make all others invisible.
                low, high = np.quantile(known, [0.05, 0.95])
                seen += [float(low), float(high), float(known[-1])]
        if frame.iteration == 0:
            self._limits = None
        self._limits = comfortable_limits(min(seen), max(seen), self._limits)
        return self._limits

    def _point_parts(self, frame: Frame) -> list[Part]:
        assert self._projection is not None
        assert self._real is not None
        projection, seen = self._projection, frame.seen
        extent = frame.extent or projection.extent(self._real)
        real, generated = frame.real[:POINTS], frame.generated[:POINTS]
        parts = [
            ("real", _placed(projection, real, extent, band=1)),
            ("generated", _placed(projection, generated, extent, band=-1)),
        ]
        if seen.get("gradients") is not None:
            descent = projection.directions(seen["gradients"].descent[: len(generated)])
            parts.append(("gradients", np.ascontiguousarray(descent * (extent[1] - extent[0]), np.float32)))
        manifold = seen.get("manifold")
        half = WIDEST
        if manifold is not None:
            half = WIDEST if np.abs(manifold.latents).max() > 1 else 1.1
            parts.append(("manifold", _placed(projection, manifold.corners, extent, band=0)))
            parts.append(("grid", _noise_places(manifold.latents, half)))
        if seen.get("latents") is not None:
            parts.append(("noise", _noise_places(seen["latents"][:POINTS], half)))
        if frame.verdict is not None:
            parts.append(("heat", shades(frame.verdict)[::-1].copy()))
        return parts


def _parts_of(stage: str, network: str) -> tuple[str, ...]:
    """Return the parts that a sub-step of an update of `network` concerns."""
    named = (part.format(x=network[0], network=network) for part in STAGES[stage])
    return tuple(part for part in named if network == "discriminator" or part not in REAL)


def _walked(frame: Frame, inside: Inside) -> Frame:
    """Return `frame` with the known part of the batch of a walked update."""
    step = inside.step
    record = dict(frame.record)
    if step.loss is not None:
        record[f"loss_{step.network[0]}"] = step.loss
    if step.gradients is not None:
        record[f"grad_norm_{step.network[0]}"] = step.gradients.norm
    kept = {name: seen for name, seen in frame.seen.items() if name in {"manifold", "slice"}}
    verdict = frame.verdict if inside.verdict is None else inside.verdict
    return replace(
        frame,
        real=inside.real,
        generated=inside.generated,
        record=record,
        seen={"verdict": verdict, **kept, **inside.seen},
    )


def _placed(projection: Projection, samples: np.ndarray, extent: Extent, *, band: int) -> np.ndarray:
    """Return positions of samples ``[..., M, F]`` in a miniature, float32 ``[..., M, 2]``."""
    places = np.array(projection.points(samples), np.float32)
    if projection.features == 1 and band:
        places[..., 1] = band * (0.1 + 0.8 * ((0.618034 * np.arange(samples.shape[-2])) % 1))
    x0, x1, y0, y1 = extent
    with np.errstate(all="ignore"):
        shares = (places - np.array([x0, y0])) / np.array([x1 - x0, y1 - y0])
    return np.ascontiguousarray(shares, np.float32)


def _noise_places(latents: np.ndarray, half: float) -> np.ndarray:
    """Return positions of latents ``[..., L]`` in a miniature: their first two numbers."""
    places = np.zeros((*latents.shape[:-1], 2), np.float32)
    places[..., : min(2, latents.shape[-1])] = latents[..., :2]
    return (places / np.float32(half) + 1) / 2


def _image_parts(frame: Frame) -> list[Part]:
    seen = frame.seen
    parts = [
        ("real_images", _bytes(frame.real[:IMAGES])),
        ("generated_images", _bytes(frame.generated[:IMAGES])),
    ]
    if seen.get("latents") is not None:
        latents = seen["latents"]
        half = WIDEST if abs(latents).max() > 1 else 1.1
        parts.append(("noise", _noise_places(latents, half)))
    if seen.get("gradients") is not None:
        descent = seen["gradients"].descent[:IMAGES]
        most = np.abs(np.nan_to_num(descent)).max() or 1.0
        parts.append(("gradient_images", _bytes(frame.modality.picture(0.5 + 0.5 * descent / most))))
    if seen.get("slice") is not None:
        parts.append(("slice", _bytes(seen["slice"])))
    return parts


def _bytes(images: np.ndarray) -> np.ndarray:
    """Return images as bytes, uint8 ``[N, H, W, 1 or 3]``."""
    shown = levels(images)
    return shown if images.shape[1] >= 3 else np.ascontiguousarray(shown[..., :1])


def _curve(frame: Frame, column: str) -> np.ndarray | None:
    """Return a column's iterations and means, float32 ``[2, k]``, without gaps; outliers are cut off."""
    envelope = frame.losses.get(column)
    if envelope is None:
        return None
    known = np.isfinite(envelope[2])
    if not known.any():
        return None
    means = envelope[2][known]
    return np.stack([envelope[0][known], means.clip(*typical_range(means))]).astype(np.float32)


def _same(one: np.ndarray | None, other: np.ndarray) -> bool:
    return one is not None and (one is other or np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


def _same_number(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and math.isnan(one) and math.isnan(other))


def _finite(value: float | None) -> float | None:
    """Return a number as a JSON value."""
    return value if value is not None and math.isfinite(value) else None
