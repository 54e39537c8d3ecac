"""The controls of a chart: its vertical axis, and the curves that it shows.

To the browser go traits. From the browser come messages: ``{"scale": "linear" | "log"}`` and ``{"curves": [names]}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import ipywidgets
from traitlets import Dict, Int, List, Unicode

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.scripted import ScriptedWidget

__all__ = ["MOST_CURVES", "SCALES", "ChartChoice", "Scale"]

Scale = Literal["linear", "log"]
SCALES: tuple[Scale, ...] = ("linear", "log")

MOST_CURVES = 6
"""Maximum number of curves that a user chooses for one chart."""

WORDS = {
    "log": N_("log"),
    "log_help": N_("Logarithmic axis. It has no place for 0 and negative values, which are gaps."),
    "curves": N_("Curves"),
    "curves_help": N_("Choose the curves of this chart, at most {count}."),
    "own": N_("The chart's own choice"),
}


class ChartTools(ScriptedWidget):
    """A button for the logarithmic axis, and a list of curves to choose from."""

    _esm = script("panels/charts/chart_tools")
    _css = stylesheet("panels/charts/chart_tools")

    words = Dict().tag(sync=True)
    scale = Unicode("linear", help="linear or log.").tag(sync=True)
    offered: Any = List(help="Name and label of each curve that can be shown now.").tag(sync=True)
    shown: Any = List(help="Names of the curves that are shown.").tag(sync=True)
    most = Int(MOST_CURVES, help="Maximum number of curves.").tag(sync=True)

    def __init__(
        self, catalog: Catalog, on_request: Callable[[str, Any], None], layout: ipywidgets.Layout
    ) -> None:
        words = {name: catalog(text) for name, text in WORDS.items()}
        words["curves_help"] = catalog(WORDS["curves_help"], count=MOST_CURVES)
        super().__init__(words=words, layout=layout, _dom_classes=("gw-chart-tools",))
        self._on_request = on_request
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        for kind, value in content.items():
            self._on_request(kind, value)


class ChartChoice:
    """The axis and the curves that a user chose for one chart.

    Parameters
    ----------
    catalog : Catalog
    layout : ipywidgets.Layout
        Shared by all parts of a widget.
    known : sequence of str
        Names of all curves that the chart can show in some run.

    Attributes
    ----------
    tools : ChartTools
        Its controls in the page.
    scale : {"linear", "log"}
    curves : tuple of str
        Names of the chosen curves; empty for the chart's own choice.
    on_request : callable
        Called with ``("scale", value)`` or ``("curves", names)`` for a user's wish.
    """

    def __init__(self, catalog: Catalog, layout: ipywidgets.Layout, known: Sequence[str]) -> None:
        self.known = tuple(known)
        self.scale: Scale = "linear"
        self.curves: tuple[str, ...] = ()
        self.on_request: Callable[[str, Any], None] = lambda _kind, _value: None
        self.tools = ChartTools(catalog, self._on_request, layout)

    def _on_request(self, kind: str, value: Any) -> None:
        self.on_request(kind, value)

    def choose(self, scale: Scale, curves: tuple[str, ...]) -> None:
        """Draw with this axis and these curves from the next frame on."""
        self.scale, self.curves = scale, curves
        self.tools.scale = scale

    def offer(self, labels: Mapping[str, str], shown: Sequence[str]) -> None:
        """List the curves that can be shown now, by name and label, and those that are shown."""
        offered = [[name, label] for name, label in labels.items()]
        if offered != self.tools.offered:
            self.tools.offered = offered
        if list(shown) != self.tools.shown:
            self.tools.shown = list(shown)
