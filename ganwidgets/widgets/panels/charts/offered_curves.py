"""The curves that a chart can show: columns of the history, metrics, and the duality gap."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ganwidgets.messages import Catalog, N_
from ganwidgets.metrics import METRICS
from ganwidgets.rendering.pictures.scene import CURVES
from ganwidgets.runs.record.columns import CLASSIC
from ganwidgets.widgets.browser.style.colors import css
from ganwidgets.widgets.panels.charts.chart import Chart, Curve, Dash, Pen, mean_curve
from ganwidgets.widgets.panels.charts.gap_meter import GapMeter

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame
    from ganwidgets.runs.record.envelope import Envelope

__all__ = [
    "COLUMNS",
    "DASHES",
    "GAP",
    "KNOWN_CURVES",
    "OfferedCurve",
    "chip",
    "offered_curves",
    "unseen_values",
]

GAP = "duality_gap"
"""The duality gap, which is measured only while it is shown."""

COLUMNS: Mapping[str, tuple[str, str, Pen]] = MappingProxyType(
    {
        "loss_d": (N_("loss of D"), N_("loss"), Pen(css("d"))),
        "penalty_d": (N_("of that the penalty"), N_("loss"), Pen(css("d"), "dotted")),
        "loss_g": (N_("loss of G"), N_("loss"), Pen(css("g"), "dashed")),
        "accuracy_real": (N_("D's accuracy on real"), N_("share"), Pen(css("real"))),
        "accuracy_fake": (N_("D's accuracy on generated"), N_("share"), Pen(css("generated"), "dashed")),
        "grad_norm_d": (N_("gradient norm of D"), N_("norm"), Pen(css("d"), "dashed")),
        "grad_norm_g": (N_("gradient norm of G"), N_("norm"), Pen(css("g"), "dotted")),
        "augment_p": (N_("Augmentation probability"), N_("probability"), Pen(css("text"), "dashed")),
    }
)
"""Label, unit and pen of the columns of the history."""

KNOWN_CURVES = tuple(
    dict.fromkeys([*CURVES, *(name for metrics in METRICS.values() for name in metrics), GAP])
)
"""Names of the curves of the classic game; a run has those of its kind of data."""

TONES = ("other-1", "other-2", "other-3", "generated")
NOTHING = Curve(np.empty(0), np.empty(0))
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")


@dataclass(frozen=True)
class OfferedCurve:
    """A curve that can be shown now.

    Attributes
    ----------
    label, unit : str
        Translatable.
    pen : Pen
    curve : Curve
    floor : float or None
        Score of perfect samples, for metrics.
    """

    label: str
    unit: str
    pen: Pen
    curve: Curve
    floor: float | None = None


def offered_curves(frame: Frame, gap: GapMeter | None) -> dict[str, OfferedCurve]:
    """Return by name the curves of `frame` that have or will have values, and the duality gap if there is a meter."""
    found = {}
    for name in CURVES:
        envelope = frame.losses.get(name)
        if name in CLASSIC.listed or (envelope is not None and np.isfinite(envelope[2]).any()):
            label, unit, pen = COLUMNS.get(name, (name.replace("_", " "), "", Pen(css("text"))))
            found[name] = OfferedCurve(label, unit, pen, _of_column(envelope, name))
    for place, (name, metric) in enumerate(METRICS[frame.kind].items()):
        if name in frame.metrics and name not in found:
            iterations, values = frame.metrics[name]
            curve = Curve(np.asarray(iterations, np.float64), np.asarray(values, np.float64))
            pen = Pen(css(TONES[place % len(TONES)]), DASHES[place // len(TONES) % len(DASHES)])
            found[name] = OfferedCurve(metric.label, metric.unit, pen, curve, frame.floors.get(name))
    if gap is not None:
        found[GAP] = OfferedCurve(N_("Duality gap"), "", Pen(css("text"), "dotted"), gap.curve() or NOTHING)
    return found


def _of_column(envelope: Envelope | None, name: str) -> Curve:
    """Return the means of a column, with their band for the losses."""
    curve = mean_curve(envelope)
    if envelope is None or curve is None:
        return NOTHING
    return replace(curve, band=(envelope[1], envelope[3])) if name in {"loss_d", "loss_g"} else curve


def chip(pen: Pen, label: str) -> str:
    """Return a curve's entry in the legend."""
    return (
        f'<span class="gw-chip"><i style="border-top:2px {pen.dash} {pen.color};width:18px;height:0"></i>'
        f"{html.escape(label)}</span>"
    )


def unseen_values(chart: Chart, catalog: Catalog) -> str:
    """Return a legend text on what the axis of `chart` does not show: clipped values, values without a logarithm."""
    chips = ""
    if chart.beyond > chart.top:
        text = catalog(N_("highest {value}, cut off"), value=f"{chart.beyond:.3g}")
        chips += f'<span class="gw-chip gw-beyond">\N{UPWARDS ARROW} {html.escape(text)}</span>'
    if chart.unplaced:
        text = catalog(
            N_("{count} values of 0 or less have no place on a logarithmic axis"), count=chart.unplaced
        )
        chips += f'<span class="gw-chip gw-unplaced">{html.escape(text)}</span>'
    return chips
