"""Metrics of the samples with the scores of perfect samples, and a chart of them."""

from __future__ import annotations

import html
import math
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ganwidgets.messages import Catalog, N_
from ganwidgets.metrics import METRICS, Metric
from ganwidgets.metrics.interpretation import SIGNS, Observed, findings
from ganwidgets.rendering.drawing.phrases import NONE
from ganwidgets.runs.record.columns import CLASSIC
from ganwidgets.widgets.browser.style.colors import css
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.locked_inputs import GuardedDropdown
from ganwidgets.widgets.panels.charts.chart import INTERVAL, Chart, Curve, Pen, mean_curve
from ganwidgets.widgets.panels.charts.chart_tools import ChartChoice
from ganwidgets.widgets.panels.charts.gap_meter import GapMeter
from ganwidgets.widgets.panels.charts.offered_curves import (
    COLUMNS,
    GAP,
    KNOWN_CURVES,
    OfferedCurve,
    chip,
    offered_curves,
    unseen_values,
)
from ganwidgets.widgets.panels.graph.texts import newest

if TYPE_CHECKING:
    from ganwidgets.live.frames.frame import Frame

__all__ = ["MetricsPanel"]

PAIRS: Mapping[str, tuple[str, tuple[str, ...], tuple[Pen, Pen]]] = MappingProxyType(
    {
        "accuracy": (
            N_("D's accuracy"),
            ("accuracy_real", "accuracy_fake"),
            (Pen(css("real")), Pen(css("generated"), "dashed")),
        ),
        "grad_norm": (
            N_("Gradient norms"),
            ("grad_norm_d", "grad_norm_g"),
            (Pen(css("d")), Pen(css("g"), "dashed")),
        ),
        "augmentation": (
            N_("Augmentation probability"),
            ("augment_p",),
            (Pen(css("d")), Pen(css("g"))),
        ),
    }
)
"""Choices besides metrics, offered once they have numbers: label, one or two columns of the history, pens."""

SEVERAL = "several"
"""The choice of the list while the chart shows several curves that are not a pair."""

MOST_CLASSES = 20
"""Maximum number of classes with a bar each."""

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "auto": N_("what suits the data"),
        "classifier": N_("a classifier of this data"),
        "inception": N_("Inception, as for published figures"),
        "random": N_("random features, trend only"),
        "own": N_("features of your own, from a cell"),
    }
)
"""Labels of the features for image metrics, by their names in `GANTrainer.features`; the last cannot be chosen."""

CHOSEN = ("auto", "classifier", "inception", "random")

CLASS_TOLD = N_("class {label}: {share} of the generated images, {data} of the data")

METRIC_PENS = (Pen(css("generated")), Pen(css("text"), "dotted"))


class MetricsPanel:
    """A chart of one or several chosen metrics, and the values of all metrics with their floors.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    request : callable
        Called, on the thread of the browser's messages, to draw another metric; must
        only note it.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.
    judge_by : callable
        Called, on that thread too, with the name of the features that judge the images.
    gap : GapMeter, optional
        Measures the duality gap while it is chosen.
    diagnosed : callable
        Returns the symptoms that another panel shows now; the verdict does not repeat them.

    Attributes
    ----------
    name : str
    interval : float
        Minimum seconds between two draws.
    widget : ipywidgets.Box
        The chart, with the list to choose from.
    features : ipywidgets.Dropdown
        Features for image metrics.
    numbers : ipywidgets.Box
        An interpretation in one sentence, the features, and all values, for a separate row.
    """

    name = "metrics"
    interval = INTERVAL

    def __init__(
        self,
        catalog: Catalog,
        request: Callable[[], None],
        look: SharedStyle | None = None,
        judge_by: Callable[[str], None] = lambda _: None,
        gap: GapMeter | None = None,
        diagnosed: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        self._catalog = catalog
        self._gap = gap
        self._diagnosed = diagnosed
        look = look or SharedStyle()
        self._guard = threading.RLock()
        self._metrics: Mapping[str, Metric] = {}
        self._further = () if gap is None else (GAP,)
        recorded = (name for name, pair in PAIRS.items() if set(pair[1]) <= {*CLASSIC.listed})
        self._available: tuple[str, ...] = (*recorded, *self._further)
        self._drawn = self._chips = ""
        self._request = request
        self.curves = ChartChoice(catalog, look.layout, KNOWN_CURVES)
        self.choice = GuardedDropdown(
            self._guard,
            self._pick,
            options=self._options(),
            description=catalog(N_("Curve")),
            **look.of(GuardedDropdown, "gw-choice"),
        )
        self._legend = look.html("", "gw-head")
        self._chart = Chart(METRIC_PENS, look, x_label=catalog(N_("iteration")), y_label="")
        self.widget = look.part(
            self.name,
            [
                look.box([self.choice, self.curves.tools], "gw-chart-row"),
                self._legend,
                self._chart.widget,
            ],
            f"gw-{self.name}",
            "gw-panel",
        )
        self._figures = look.html("", "gw-figures")
        self.features = GuardedDropdown(
            self._guard,
            lambda name: judge_by(name) if name in CHOSEN else request(),
            options=[(catalog(label), name) for name, label in FEATURES.items()],
            description=catalog(N_("Judged by")),
            **look.of(GuardedDropdown, "gw-choice", "gw-features"),
        )
        self.numbers = look.part("numbers", [self._figures], "gw-numbers")

    def draw(self, frame: Frame) -> None:
        """Draw the chosen curve of `frame`, and all its numbers."""
        metrics = METRICS[frame.kind]
        known = (name for name in metrics if name in frame.metrics)
        available = (*known, *_recorded(frame), *self._further)
        offered = offered_curves(frame, self._gap)
        several = [name for name in self.curves.curves if name in offered]
        alone = _alone(several)
        if several and not alone:
            available = (*available, SEVERAL)
        with self._guard:
            if available != self._available or metrics != self._metrics:
                self._available, self._metrics = available, metrics
                before = self.choice.value
                self.choice.options = self._options()
                # The first metrics are more informative than the curves shown before.
                keep = before in available and self._drawn in metrics
                self.choice.value = before if keep else available[0]
            if several:
                self.choice.value = alone if alone in available else SEVERAL
            chosen = self.choice.value
        self._chart.logarithmic = self.curves.scale == "log"
        if GAP in several or chosen == GAP:
            assert self._gap is not None
            self._gap.want(frame.iteration)
        if chosen == SEVERAL:
            self._draw_several({name: offered[name] for name in several})
            drawn: Sequence[str] = several
        else:
            self._draw_one(chosen, frame, offered)
            drawn = PAIRS[chosen][1] if chosen in PAIRS else (chosen,)
        labels = {name: self._catalog(curve.label) for name, curve in offered.items()}
        self.curves.offer(labels, [name for name in drawn if name in offered])
        self._show_features(frame)
        self._figures.value = (
            f'<div class="gw-metric-notes">{self._verdict(frame)}{self._basis(frame)}</div>'
            f'<div class="gw-tiles">{self._tiles(frame)}</div>{self._classes(frame)}'
        )

    def _pick(self, name: str) -> None:
        """Show only the curve that the user chose in the list."""
        if name != SEVERAL:
            names = PAIRS[name][1] if name in PAIRS else (name,)
            self.curves.choose(self.curves.scale, names)
            self.curves.on_request("curves", list(names))
        self._request()

    def _draw_several(self, drawn: Mapping[str, OfferedCurve]) -> None:
        """Draw curves with their floors; the axis has a title if all have the same unit."""
        further, floors = [], []
        for curve in drawn.values():
            further.append((curve.pen, curve.curve))
            if curve.floor is not None and len(curve.curve.x):
                level = Curve(curve.curve.x[[0, -1]], np.full(2, curve.floor))
                floors.append((Pen(curve.pen.color, "dotted", faint=True), level))
        units = {curve.unit for curve in drawn.values()}
        unit = units.pop() if len(units) == 1 else ""
        if self._drawn != SEVERAL:
            self._drawn = SEVERAL
            self._chart.restyle(METRIC_PENS, "")
        self._chart.name(self._catalog(unit) if unit else "")
        self._chart.draw([None, None], further=[*further, *floors])
        chips = [chip(curve.pen, self._catalog(curve.label)) for curve in drawn.values()]
        if floors:
            chips.append(chip(Pen(css("text"), "dotted"), self._catalog(N_("perfect"))))
        self._show_legend("".join(chips))

    def _draw_one(self, chosen: str, frame: Frame, offered: Mapping[str, OfferedCurve]) -> None:
        """Draw one metric with its floor, the duality gap, or a pair of columns."""
        if chosen != self._drawn:
            self._restyle(chosen)
        if chosen == GAP:
            measured = offered[GAP].curve
            level = Curve(measured.x[[0, -1]], np.zeros(2)) if len(measured.x) else None
            self._chart.draw([measured, level], also=[0.0])
        elif chosen in PAIRS:
            columns = PAIRS[chosen][1]
            curves = [mean_curve(frame.losses.get(column)) for column in columns]
            self._chart.draw([*curves, None][: len(METRIC_PENS)])
        else:
            curve, floor = offered[chosen].curve, offered[chosen].floor
            ends = curve.x[[0, -1]] if len(curve.x) else curve.x
            level = None if floor is None else Curve(ends, np.full(len(ends), floor))
            # A metric has no spikes, so its beginning and the scores of perfect samples must be visible.
            heights = np.append(curve.y, math.nan if floor is None else floor)
            heights = heights[np.isfinite(heights)]
            also = [float(heights.min()), float(heights.max())] if len(heights) else []
            self._chart.draw([curve, level], also=also)
        self._show_legend(self._chips)

    def _show_legend(self, legend: str) -> None:
        text = legend + unseen_values(self._chart, self._catalog)
        if text != self._legend.value:
            self._legend.value = text

    def _show_features(self, frame: Frame) -> None:
        """Show which features judge the images; points need none."""
        parts = (self.features, self._figures) if frame.modality.on_features else (self._figures,)
        if self.numbers.children != parts:
            self.numbers.children = parts
        if frame.judged_by:
            with self._guard:
                self.features.value = frame.judged_by if frame.judged_by in CHOSEN else "own"

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of the choice, by CSS class."""
        t = self._catalog
        tooltip = N_(
            "What reads the images for the figures below. Figures are only comparable when they were measured on the same features."
        )
        return {"gw-features": (t(N_("Judged by")), t(tooltip))}

    def _restyle(self, chosen: str) -> None:
        self._drawn = chosen
        t = self._catalog
        if chosen == GAP:
            unit, pens = "", METRIC_PENS
            chips = [
                ("gw-stroke-metric", t(N_("best response of D minus that of G"))),
                ("gw-stroke-floor", t(N_("equilibrium"))),
            ]
        elif chosen in PAIRS:
            _, columns, pens = PAIRS[chosen]
            unit = COLUMNS[columns[0]][1]
            labels = {
                "accuracy_real": N_("on real"),
                "accuracy_fake": N_("on generated"),
                "grad_norm_d": N_("discriminator"),
                "grad_norm_g": N_("generator"),
                "augment_p": N_("of each change of an image"),
            }
            marks = {
                "accuracy_real": "gw-stroke-real",
                "accuracy_fake": "gw-stroke-fake",
                "grad_norm_d": "gw-stroke-d",
                "grad_norm_g": "gw-stroke-g",
                "augment_p": "gw-stroke-d",
            }
            chips = [(marks[column], t(labels[column])) for column in columns]
        else:
            unit, pens = self._metrics[chosen].unit, METRIC_PENS
            chips = [("gw-stroke-metric", t(N_("generated"))), ("gw-stroke-floor", t(N_("perfect")))]
        self._chips = "".join(
            f'<span class="gw-chip"><i class="{mark}"></i>{html.escape(text)}</span>' for mark, text in chips
        )
        self._chart.restyle(pens, t(unit))

    def _options(self) -> list[tuple[str, str]]:
        return [(self._catalog(self._label(name)), name) for name in self._available]

    def _label(self, name: str) -> str:
        """Return the translatable label of a curve."""
        if name == GAP:
            return N_("Duality gap")
        if name == SEVERAL:
            return N_("Several curves")
        return PAIRS[name][0] if name in PAIRS else self._metrics[name].label

    def _verdict(self, frame: Frame) -> str:
        """Return the verdict on the numbers, in one sentence."""
        t = self._catalog
        if frame.judged is not None and frame.judged.trend_only:
            return ""
        signs = {**frame.record, **frame.signs}
        if "grad_norm_g" in signs:
            signs["grad_norm_g"] = newest(frame, "grad_norm_g")
        found = findings(frame.kind, Observed(frame.latest_metrics, frame.floors, signs, frame.iteration))
        if not found or found[0].symptom in self._diagnosed():
            return ""
        help_ = t(
            N_(
                "From the figures below, beside what perfect samples score; rules of thumb, to be checked with your own eyes."
            )
        )
        evidence = ", ".join(self._figure(name, value) for name, value in found[0].evidence.items())
        tooltip = f"{help_} {evidence}" if evidence else help_
        return f'<span class="gw-verdict" title="{html.escape(tooltip)}">{html.escape(t(found[0].sentence))}</span>'

    def _figure(self, name: str, value: float) -> str:
        """Return one piece of evidence as text."""
        label = next((metrics[name] for metrics in METRICS.values() if name in metrics), None)
        text = SIGNS[name] if label is None else label.label
        return f"{self._catalog(text)}: {_spell(value, '.3g')}"

    def _basis(self, frame: Frame) -> str:
        """Return why there are no metrics, or the features of image metrics."""
        t = self._catalog
        judged = frame.judged
        if frame.trouble:
            text, help_ = (
                t(
                    N_("No figures: {reason}. Training goes on, and measuring is tried again."),
                    reason=frame.trouble,
                ),
                "",
            )
        elif not frame.modality.on_features:
            return ""
        elif judged is None or not frame.latest_metrics:
            text, help_ = t(N_("The figures are being prepared …")), ""
        else:
            text = t(
                N_("Measured on: {features}; {compared} generated images beside as many real ones."),
                features=t(judged.features),
                compared=f"{judged.compared:,}",
            )
            help_ = t(judged.help)
        return f'<span class="gw-basis" title="{html.escape(help_)}">{html.escape(text)}</span>'

    def _classes(self, frame: Frame) -> str:
        """Return a bar for each class: its share of the generated images, and a mark for its share of the data."""
        t = self._catalog
        shares = {} if frame.judged is None else frame.judged.shares
        if not 0 < len(shares) <= MOST_CLASSES:
            return ""
        top = max(max(pair) for pair in shares.values())
        help_ = t(
            N_(
                "The share of generated images that the classifier reads as each class; the line is the share in the data. Images that look like nothing are read as some class too."
            )
        )
        bars = "".join(
            f'<div class="gw-class" title="{html.escape(t(CLASS_TOLD, label=label, share=_spell(share, ".1%"), data=_spell(real, ".1%")))}">'
            f'<div class="gw-class-bar"><i style="height:{share / top:.1%}"></i><b style="bottom:{real / top:.1%}"></b></div>'
            f"{label}</div>"
            for label, (share, real) in shares.items()
        )
        return (
            f'<div class="gw-classes" title="{html.escape(help_)}">'
            f'<div class="gw-tile-label">{html.escape(t(N_("Classes among the generated images; the line is the data")))}</div>'
            f'<div class="gw-class-bars">{bars}</div></div>'
        )

    def _tiles(self, frame: Frame) -> str:
        """Return each metric's latest value, and the score of perfect samples."""
        t = self._catalog
        tiles = []
        for name, metric in METRICS[frame.kind].items():
            if name not in frame.latest_metrics:
                continue
            # D's accuracy is not a metric of the samples: real samples in their place would not score better.
            floor = None if name in {"accuracy_real", "accuracy_fake"} else frame.floors.get(name)
            unit = f' <span class="gw-unit">{html.escape(t(metric.unit))}</span>' if metric.unit else ""
            perfect = "" if floor is None else t(N_("perfect: {value}"), value=_spell(floor, metric.format))
            tiles.append(
                f'<div class="gw-tile" title="{html.escape(t(metric.help))}">'
                f'<div class="gw-tile-label">{html.escape(t(metric.label))}</div>'
                f'<div class="gw-tile-value">{_spell(frame.latest_metrics[name], metric.format)}{unit}</div>'
                f'<div class="gw-tile-floor">{html.escape(perfect)}</div></div>'
            )
        return "".join(tiles)


def _recorded(frame: Frame) -> list[str]:
    """Return the curves of the history that can be drawn: all that are always recorded, and others with numbers."""
    return [
        name
        for name, (_, columns, _) in PAIRS.items()
        if all(
            column in CLASSIC.listed
            or (column in frame.losses and np.isfinite(frame.losses[column][2]).any())
            for column in columns
        )
    ]


def _alone(names: Sequence[str]) -> str:
    """Return the choice of the list that shows exactly the curves `names`; empty if there is none."""
    pair = next((name for name, (_, columns, _) in PAIRS.items() if set(columns) == set(names)), "")
    return pair or (names[0] if len(names) == 1 and names[0] not in COLUMNS else "")


def _spell(value: float, form: str) -> str:
    if math.isfinite(value):
        return format(value, form).replace("-", "\N{MINUS SIGN}")
    return "\N{INFINITY}" if value > 0 else NONE
