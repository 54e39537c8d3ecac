"""Curves, points and branches as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganwidgets.messages import Catalog, N_
from ganwidgets.rendering.drawing.axis_ticks import (
    comfortable_limits,
    logarithmic_limits,
    logarithmic_ticks,
    nice_ticks,
    typical_range,
)
from ganwidgets.rendering.drawing.phrases import spell_count
from ganwidgets.rendering.plane.projection import Extent
from ganwidgets.runs.record.envelope import Envelope
from ganwidgets.runs.timeline.branch_view import TimelineView

__all__ = ["Line", "branches", "chart", "scatter"]

WIDTH, HEIGHT = 420, 230
LEFT, RIGHT, TOP, BOTTOM = 52, 18, 10, 40

SIDE = 420
"""Side of the plane."""

ROW = 22
"""Height of a branch."""


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes
    ----------
    label : str
    tone : str
        CSS class, which determines the colour: ``d``, ``g``, ``real`` or ``generated``.
    envelope : Envelope
    """

    label: str
    tone: str
    envelope: Envelope


def chart(title: str, lines: Sequence[Line], across: str, unit: str, catalog: Catalog) -> str:
    """Return a figure of curves over iterations, each with its envelope.

    Without a script, a checkbox in the legend hides its curve, and another one switches to a logarithmic
    axis.
    """
    shown = [_finite(line) for line in lines]
    placed, unplaced = _on_logarithmic_axis(shown)
    label = html.escape(title)
    begin = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
    linear = _drawing(shown, across, unit, logarithmic=False)
    drawings = [f'<svg class="chart linear" {begin}{linear}</svg>']
    chips = "".join(
        f'<label class="chip"><input type="checkbox" class="show-{number}" checked>'
        f'<svg viewBox="0 0 24 8"><line class="{line.tone}" x2="24" y1="4" y2="4"/></svg>{html.escape(line.label)}</label>'
        for number, line in enumerate(lines)
    )
    if any(len(curve.mean) for curve in placed):
        chips += f'<label class="chip"><input type="checkbox" class="log">{html.escape(catalog(N_("log")))}</label>'
        logarithmic = _drawing(placed, across, unit, logarithmic=True)
        drawings.append(f'<svg class="chart logarithmic" {begin}{logarithmic}</svg>')
        if unplaced:
            text = N_("{count} values of 0 or less have no place on a logarithmic axis")
            drawings.append(f'<p class="logarithmic">{html.escape(catalog(text, count=unplaced))}</p>')
    return (
        f'<figure class="curves"><figcaption><b>{label}</b>{chips}</figcaption>{"".join(drawings)}</figure>'
    )


@dataclass(frozen=True)
class _Curve:
    """The finite values of a line, as arrays of one length, and the indices after gaps."""

    tone: str
    iterations: np.ndarray
    low: np.ndarray
    mean: np.ndarray
    high: np.ndarray
    gaps: tuple[int, ...] = ()


def _finite(line: Line) -> _Curve:
    iterations, low, mean, high = line.envelope
    good = np.isfinite(mean) & np.isfinite(low) & np.isfinite(high)
    return _Curve(line.tone, iterations[good].astype(float), low[good], mean[good], high[good])


def _on_logarithmic_axis(curves: Sequence[_Curve]) -> tuple[list[_Curve], int]:
    """Return base-10 logarithms of the positive values, with gaps for all others, and the number of the others."""
    found, unplaced = [], 0
    for curve in curves:
        good = curve.mean > 0
        unplaced += int((~good).sum())
        places = np.flatnonzero(good)
        gaps = tuple(int(at) for at in np.flatnonzero(np.diff(places) > 1) + 1)
        low = np.where(curve.low > 0, curve.low, np.finfo(float).tiny)[good]  # to the lower edge of the chart
        low, mean, high = (np.log10(values) for values in (low, curve.mean[good], curve.high[good]))
        found.append(_Curve(curve.tone, curve.iterations[good], low, mean, high, gaps))
    return found, unplaced


def _drawing(curves: Sequence[_Curve], across: str, unit: str, *, logarithmic: bool) -> str:
    """Return the content of a chart's SVG; logarithmic curves already contain logarithms."""
    low, high = typical_range(*(curve.mean for curve in curves))
    if logarithmic:
        ends = logarithmic_limits(10.0**low, 10.0**high)
        bottom, top = (math.log10(end) for end in ends)
        ticks = [(math.log10(tick), tick) for tick in logarithmic_ticks(*ends)]
    else:
        bottom, top = comfortable_limits(low, high)
        ticks = [(tick, tick) for tick in nice_ticks(bottom, top)]
    places = np.concatenate([np.empty(0), *(curve.iterations for curve in curves)])
    first, last = (float(places.min()), float(places.max())) if len(places) else (0.0, 1.0)
    last = max(last, first + 1)
    x0, x1, y0, y1 = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, TOP

    def x(value: float) -> float:
        return x0 + (value - first) / (last - first) * (x1 - x0)

    def y(value: float) -> float:
        return y0 + (min(max(value, bottom), top) - bottom) / (top - bottom) * (y1 - y0)

    parts = []
    for place, tick in ticks:
        parts.append(f'<line class="rule" x1="{x0}" x2="{x1}" y1="{y(place):.1f}" y2="{y(place):.1f}"/>')
        parts.append(f'<text x="{x0 - 6}" y="{y(place) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts += [
        f'<text x="{x(tick):.1f}" y="{y0 + 15}" text-anchor="middle">{spell_count(round(tick))}</text>'
        for tick in nice_ticks(first, last)
    ]
    for number, curve in enumerate(curves):
        for piece in np.split(np.arange(len(curve.mean)), curve.gaps):
            if not len(piece):
                continue
            at = curve.iterations[piece]
            there = [f"{x(a):.1f},{y(value):.1f}" for a, value in zip(at, curve.high[piece], strict=True)]
            back = [
                f"{x(a):.1f},{y(value):.1f}"
                for a, value in zip(at[::-1], curve.low[piece][::-1], strict=True)
            ]
            points = " ".join(
                f"{x(a):.1f},{y(value):.1f}" for a, value in zip(at, curve.mean[piece], strict=True)
            )
            parts.append(
                f'<polygon class="band {curve.tone} curve-{number}" points="{" ".join(there + back)}"/>'
                f'<polyline class="{curve.tone} curve-{number}" points="{points}"/>'
            )
    parts.append(f'<rect class="frame" x="{x0}" y="{y1}" width="{x1 - x0}" height="{y0 - y1}"/>')
    parts.append(
        f'<text x="{(x0 + x1) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{html.escape(across)}</text>'
        f'<text transform="translate(11 {(y0 + y1) / 2}) rotate(-90)" text-anchor="middle">{html.escape(unit)}</text>'
    )
    return "".join(parts)


def scatter(real: np.ndarray, generated: np.ndarray, extent: Extent, heat: str, label: str) -> str:
    """Return points [M, 2] on their plane as SVG.

    Parameters
    ----------
    heat : str
        The address of the discriminator's verdict as an image, or empty.
    label : str
        For screen readers.
    """
    x0, x1, y0, y1 = extent
    parts = []
    if heat:
        parts.append(f'<image href="{heat}" width="{SIDE}" height="{SIDE}" preserveAspectRatio="none"/>')
    for points, tone, square in ((real, "real", True), (generated, "generated", False)):
        for across, down in points[np.isfinite(points).all(axis=1)].astype(float).tolist():
            px, py = (across - x0) / (x1 - x0) * SIDE, (y1 - down) / (y1 - y0) * SIDE
            if not (0 <= px <= SIDE and 0 <= py <= SIDE):
                continue
            if square:
                parts.append(f'<rect class="{tone}" x="{px - 2:.1f}" y="{py - 2:.1f}" width="4" height="4"/>')
            else:
                parts.append(f'<circle class="{tone}" cx="{px:.1f}" cy="{py:.1f}" r="2.4"/>')
    parts.append(f'<rect class="frame" width="{SIDE}" height="{SIDE}"/>')
    return (
        f'<svg class="plane" viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{html.escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def branches(past: TimelineView, label: str) -> str:
    """Return the branches of a run, a line for each, with a mark for each intervention, as SVG."""
    width, room = 860, 170
    scale = max(past.last, 1)
    rows = {branch_view.id: row for row, branch_view in enumerate(past.branches)}

    def x(iteration: int) -> float:
        return 6 + iteration / scale * (width - room)

    parts = []
    for branch_view in past.branches:
        y = ROW * rows[branch_view.id] + ROW / 2
        tone = "here" if branch_view.id == past.branch else "there"
        if branch_view.parent in rows:
            above = ROW * rows[branch_view.parent] + ROW / 2
            parts.append(
                f'<line class="{tone}" x1="{x(branch_view.first):.1f}" x2="{x(branch_view.first):.1f}" y1="{above}" y2="{y}"/>'
            )
        end = max(x(branch_view.last), x(branch_view.first) + 4)
        parts.append(
            f'<line class="{tone}" x1="{x(branch_view.first):.1f}" x2="{end:.1f}" y1="{y}" y2="{y}"/>'
        )
        parts.append(f'<text x="{end + 8:.1f}" y="{y + 4}">{html.escape(branch_view.name)}</text>')
    for record in past.interventions:
        if record.branch in rows:
            y = ROW * rows[record.branch] + ROW / 2
            at = x(record.iteration)
            parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{y - 6}" y2="{y + 6}"/>')
    here = ROW * rows[past.branch] + ROW / 2
    parts.append(f'<circle class="here" cx="{x(past.iteration):.1f}" cy="{here}" r="4.5"/>')
    height = ROW * len(rows) + 18
    parts += [
        f'<text x="{x(round(tick)):.1f}" y="{height - 3}" text-anchor="middle">{spell_count(round(tick))}</text>'
        for tick in nice_ticks(0, scale)
    ]
    return (
        f'<svg class="branches" viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
