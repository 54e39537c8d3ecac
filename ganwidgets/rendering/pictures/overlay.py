"""Curves of several runs in one chart, as inline SVG that needs no style sheet."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ganwidgets.rendering.drawing.axis_ticks import comfortable_limits, nice_ticks, typical_range
from ganwidgets.rendering.drawing.phrases import spell_count

__all__ = ["DASHES", "PALETTE", "legend", "overlay", "thinned_curve"]

PALETTE = ("#8D7BC4", "#E69F00", "#56B4E9", "#96742F", "#767676")
"""Colours of runs, readable on a white and a black page. They differ from the colours that mean real, generated,
discriminator or generator in :mod:`ganwidgets.rendering.drawing.colors`."""

DASHES = ("", "6 3", "2 3", "8 3 2 3")
"""Dash patterns of curves, because colour is never the only distinction."""

POINTS = 400
WIDTH, HEIGHT = 392, 200
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 8, 34
DIGIT = 6.5
"""Maximum width of a digit at font size 11."""

Floats = npt.NDArray[np.float64]


def thinned_curve(places: Floats, values: Floats, points: int = POINTS) -> tuple[Floats, Floats]:
    """Return mean positions and means of the finite values in at most `points` intervals of equal length."""
    good = np.isfinite(places) & np.isfinite(values)
    places, values = places[good], values[good]
    if len(values) <= points:
        return places, values
    begins = np.linspace(0, len(values), points, endpoint=False).astype(np.int64)
    counts = np.diff([*begins, len(values)])
    return np.add.reduceat(places, begins) / counts, np.add.reduceat(values, begins) / counts


def legend(names: Iterable[str]) -> str:
    """Return a legend: each name after a mark in the colour that :func:`overlay` uses for it."""
    return "".join(
        f'<span style="margin-right:16px"><span style="color:{PALETTE[number % len(PALETTE)]}">&#9644;</span> '
        f"{html.escape(name)}</span>"
        for number, name in enumerate(names)
    )


def overlay(
    title: str,
    curves: Mapping[str, tuple[Floats, Floats]],
    across: str,
    marks: Sequence[tuple[float, str]] = (),
) -> str:
    """Return curves as an SVG figure in the colours of :data:`PALETTE`, in their order.

    Parameters
    ----------
    title : str
        Title: the quantity on the vertical axis.
    curves : mapping of str to (places, values)
        Horizontal positions and values of each curve, by the run's name.
    across : str
        Label of the horizontal axis.
    marks : sequence of (place, text)
        Positions of vertical lines, and their tooltips.
    """
    shown = {name: thinned_curve(*curve) for name, curve in curves.items()}
    bottom, top = comfortable_limits(*typical_range(*(values for _, values in shown.values())))
    places = np.concatenate([np.empty(0), *(where for where, _ in shown.values())])
    places = places if len(places) else np.zeros(1)
    first, last = float(places.min()), max(float(places.max()), float(places.min()) + 1e-9)
    heights = {tick: f"{tick:g}" for tick in nice_ticks(bottom, top)}
    x0 = max(LEFT, 8 + DIGIT * max(map(len, heights.values()), default=0))
    x1, y0, y1 = WIDTH - RIGHT, HEIGHT - BOTTOM, TOP

    def y(value: float) -> float:
        return y0 + (min(max(value, bottom), top) - bottom) / (top - bottom) * (y1 - y0)

    def x(value: float) -> float:
        return x0 + (value - first) / (last - first) * (x1 - x0)

    quiet = 'stroke="currentColor" stroke-opacity="0.2"'
    parts = []
    for tick, height in heights.items():
        parts.append(f'<line x1="{x0}" x2="{x1}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" {quiet}/>')
        parts.append(f'<text x="{x0 - 5}" y="{y(tick) + 4:.1f}" text-anchor="end">{height}</text>')
    whole = all(np.array_equal(where, np.round(where)) for where, _ in curves.values())
    for tick in nice_ticks(first, last):
        if whole and tick != round(tick):  # iterations are integers
            continue
        words = spell_count(round(tick)) if tick == round(tick) else f"{tick:g}"
        parts.append(f'<text x="{x(tick):.1f}" y="{y0 + 14}" text-anchor="middle">{words}</text>')
    for number, (where, values) in enumerate(shown.values()):
        points = " ".join(f"{x(a):.1f},{y(v):.1f}" for a, v in zip(where, values, strict=True))
        dash = DASHES[number // len(PALETTE) % len(DASHES)]
        # Both of two coinciding curves stay visible.
        width = 2.8 if number == 0 and len(shown) == 2 else 1.5
        parts.append(
            f'<polyline fill="none" stroke="{PALETTE[number % len(PALETTE)]}" stroke-width="{width}" '
            f'stroke-dasharray="{dash}" points="{points}"/>'
        )
    for place, text in marks:
        parts.append(
            f'<line class="gw-mark" x1="{x(place):.1f}" x2="{x(place):.1f}" y1="{y0}" y2="{y1}" stroke="currentColor" '
            f'stroke-dasharray="3 3" stroke-width="1.2"><title>{html.escape(text)}</title></line>'
        )
    parts.append(f'<rect x="{x0}" y="{y1}" width="{x1 - x0}" height="{y0 - y1}" fill="none" {quiet}/>')
    parts.append(
        f'<text x="{(x0 + x1) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{html.escape(across)}</text>'
    )
    return (
        f'<figure style="display:inline-block;margin:0 12px 8px 0;max-width:100%"><figcaption><b>{html.escape(title)}</b>'
        f'</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" style="max-width:100%" font-size="11" '
        f'fill="currentColor" role="img" aria-label="{html.escape(title)}">{"".join(parts)}</svg></figure>'
    )
