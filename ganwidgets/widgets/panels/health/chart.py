"""The evidence of a finding as a tiny chart."""

from __future__ import annotations

import html
import math

from ganwidgets.diagnosis import Evidence
from ganwidgets.messages import Catalog

__all__ = ["evidence_chart"]

WIDTH, HEIGHT, EDGE = 150, 40, 3


def evidence_chart(evidence: Evidence, catalog: Catalog) -> str:
    """Return an SVG of the signal over the iterations, with its threshold as a dashed line."""
    values = [value for value in evidence.values if math.isfinite(value)]
    known = [*values, evidence.threshold]
    # Signals that span more than a factor of 100 are drawn on a logarithmic scale.
    logarithmic = min(known) > 0 and max(known) > 100 * min(known)
    scale = math.log10 if logarithmic else float
    low, high = scale(min(known)), scale(max(known))
    margin = (high - low) * 0.1 or 1.0
    low, high = low - margin, high + margin

    def place_y(value: float) -> float:
        return EDGE + (HEIGHT - 2 * EDGE) * (high - scale(value)) / (high - low)

    first, last = evidence.iterations[0], evidence.iterations[-1]
    points = [
        (EDGE + (WIDTH - 2 * EDGE) * ((at - first) / (last - first) if last > first else 0.5), place_y(value))
        for at, value in zip(evidence.iterations, evidence.values, strict=True)
        if math.isfinite(value)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    bound = place_y(evidence.threshold)
    label = html.escape(
        f"{catalog(evidence.label)}: {evidence.value:.3g}, {evidence.threshold:.3g}", quote=True
    )
    end = f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.5"/>' if points else ""
    return (
        f'<svg class="gw-evidence" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{label}"><line class="gw-threshold" x1="0" x2="{WIDTH}" y1="{bound:.1f}" y2="{bound:.1f}"/>'
        f'<polyline points="{line}"/>{end}</svg>'
    )
