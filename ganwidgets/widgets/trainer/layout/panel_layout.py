"""Traits for the panels and curves of a widget, their order, and presets that fit one screen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import traitlets
from traitlets import TraitError, Tuple, observe, validate

from ganwidgets.messages import Message, N_
from ganwidgets.settings.types import nearest
from ganwidgets.widgets.trainer.layout import stored_layout
from ganwidgets.widgets.trainer.layout.layout_tools import LayoutTools
from ganwidgets.widgets.trainer.layout.layout_values import (
    KNOWN,
    PANELS,
    PRESETS,
    CurvesTrait,
    PresetTrait,
    ScalesTrait,
    SizesTrait,
    check_charts,
)

__all__ = ["LAYOUT", "LayoutTraits"]

LAYOUT = ("layout_preset", "panels", "panel_sizes", "chart_scales", "chart_curves")
"""The traits that are stored as the layout; a preset is set first, because it chooses panels."""


class LayoutTraits(traitlets.HasTraits):
    """The traits of a widget that determine its display; none changes the run.

    A layout that a user changed, by hand or from a cell, is stored in the folder of the run, if there is one, and in
    every file that the run is saved to.
    """

    _dashboard: Any
    _catalog: Any
    _hands: Any
    _look_again: Any
    _trainer: Any
    _laid_out = False
    """True once the layout was loaded; later changes are stored."""
    _before_presenting: Mapping[str, Any] | None = None

    layout_preset = PresetTrait(
        "full", help="full, projector (one screen, large text) or compact (one screen)."
    )
    panels = Tuple(
        default_value=PANELS,
        help="The names of the panels that are shown, in order; a new layout_preset replaces them.",
    )
    panel_sizes = SizesTrait(
        MappingProxyType({}),
        help="Width and height in CSS pixels of panels with another size than their own; a new layout_preset clears them.",
    )
    chart_scales = ScalesTrait(
        MappingProxyType({}), help="linear or log, the vertical axis of each chart that is not linear."
    )
    chart_curves = CurvesTrait(
        MappingProxyType({}), help="The names of the curves of each chart that does not show its own choice."
    )

    @validate("panels")
    def _known_panels(self, proposal: Any) -> tuple[str, ...]:
        names: tuple[Any, ...] = proposal["value"]
        for at, name in enumerate(names):
            if not isinstance(name, str) or name not in KNOWN:
                raise TraitError(
                    Message(
                        "panels has {name!r}, which is no panel{hint}; choose from {known}",
                        name=name,
                        hint=nearest(name, KNOWN),
                        known=", ".join(KNOWN),
                    )
                )
            if name in names[:at]:
                raise TraitError(Message("panels has {name!r} twice; name each panel once", name=name))
        if "controls" in names and {"graph", "settings"} & set(names):
            raise TraitError(
                Message(
                    "panels has {name!r} beside 'controls', which already shows some of its controls; leave one of them out",
                    name="graph" if "graph" in names else "settings",
                )
            )
        return names

    @observe("layout_preset")
    def _preset_chosen(self, change: Any) -> None:
        for preset in PRESETS:
            self.remove_class(f"gw-preset-{preset}")  # type: ignore[attr-defined]
        self.add_class(f"gw-preset-{change['new']}")  # type: ignore[attr-defined]
        self.panels = PRESETS[change["new"]]
        self.panel_sizes = {}

    @observe("panels")
    def _panels_chosen(self, change: Any) -> None:
        self.children = self._dashboard.arranged(change["new"])
        self._tools.shown = list(change["new"])

    @observe("panel_sizes")
    def _sized(self, change: Any) -> None:
        self._tools.sizes = {name: list(size) for name, size in change["new"].items()}

    @validate("chart_scales", "chart_curves")
    def _known_charts(self, proposal: Any) -> Any:
        known = {name: choice.known for name, choice in self._dashboard.charts.items()}
        check_charts(proposal["value"], known, proposal["trait"].name)
        return proposal["value"]

    @observe("chart_scales", "chart_curves")
    def _charts_chosen(self, _change: Any) -> None:
        for name, choice in self._dashboard.charts.items():
            choice.choose(self.chart_scales.get(name, "linear"), self.chart_curves.get(name, ()))
        self._look_again()

    @observe(*LAYOUT)
    def _store_with_run(self, _change: Any) -> None:
        if not self._laid_out or self._before_presenting is not None:
            return
        self._trainer._session.layout = self._layout_now()
        folder = self._trainer.run
        if folder is None:
            return
        try:
            stored_layout.store(stored_layout.of_run(folder), self._layout_now())
        except OSError as error:
            self._tools.message = self._catalog.error(error)

    # --- changes by the user ----------------------------------------------------------------------

    @property
    def _tools(self) -> LayoutTools:
        tools: LayoutTools = self._dashboard.layout_tools
        return tools

    def keep_layout(self) -> None:
        """Make this layout the default of the user's widgets, in all notebooks.

        Raises
        ------
        OSError
            If Jupyter's folder for settings cannot be written.
        """
        stored_layout.store(stored_layout.default_file(), self._layout_now())

    def forget_layout(self) -> None:
        """Remove the user's default layout; widgets that exist keep theirs."""
        stored_layout.forget(stored_layout.default_file())

    def _layout_now(self) -> dict[str, Any]:
        return {
            "layout_preset": self.layout_preset,
            "panels": list(self.panels),
            "panel_sizes": {name: list(size) for name, size in self.panel_sizes.items()},
            "chart_scales": dict(self.chart_scales),
            "chart_curves": {name: list(curves) for name, curves in self.chart_curves.items()},
        }

    def _put_layout(self, layout: Mapping[str, Any]) -> None:
        """Apply `layout`, as far as this version knows it."""
        for name in LAYOUT:
            if name in layout:
                try:
                    setattr(self, name, layout[name])
                except TraitError as error:
                    self._tools.message = self._catalog.error(error)

    def _begin_layout(self, looks: Mapping[str, Any]) -> None:
        """Connect the tools, set the traits `looks`, and load the stored layout unless `looks` contains one."""
        tools = self._tools
        tools.shown = list(self.panels)
        tools.on_request = self._arrange_by_hand
        for name, choice in self._dashboard.charts.items():
            choice.on_request = partial(self._chart_by_hand, name)
        for name, value in looks.items():
            setattr(self, name, value)
        if not set(LAYOUT) & set(looks):
            run = self._trainer.run
            files = [] if run is None else [stored_layout.of_run(run)]
            of_run = stored_layout.load(*files) or self._trainer._session.layout
            self._put_layout(of_run or stored_layout.load(stored_layout.default_file()))
        self._laid_out = True

    def _arrange_by_hand(self, kind: str, value: Any) -> None:
        """Carry out a message of the tools; show a refusal there."""
        message = ""
        try:
            match kind, value:
                case "show", list():
                    self.panels = tuple(value)
                case "size", [str() as name, width, height]:
                    others = {other: size for other, size in self.panel_sizes.items() if other != name}
                    self.panel_sizes = {**others, name: (width, height)} if width else others
                case "preset", str():
                    self.layout_preset = value
                    self.panels, self.panel_sizes = PRESETS[value], {}
                case "keep", True:
                    self.keep_layout()
                    message = self._catalog(N_("New widgets will look like this one."))
                case "forget", True:
                    self.forget_layout()
                    message = self._catalog(N_("New widgets will look as they did at first."))
                case "present", bool():
                    self._present(begins=value)
                case "key", str():
                    self._press(value)
        except (TraitError, OSError) as error:
            message = self._catalog.error(error)
        self._tools.message = message

    def _chart_by_hand(self, chart: str, kind: str, value: Any) -> None:
        """Carry out a message of a chart's tools; show a refusal in the layout's tools."""
        try:
            match kind, value:
                case "scale", str():
                    others = {name: each for name, each in self.chart_scales.items() if name != chart}
                    self.chart_scales = others if value == "linear" else {**others, chart: value}
                case "curves", list():
                    self.chart_curves = {**self.chart_curves, chart: value}
        except TraitError as error:
            self._tools.message = self._catalog.error(error)

    def _present(self, *, begins: bool) -> None:
        """Show the projector's layout while a view has the full screen, and the former one afterwards."""
        if begins and self._before_presenting is None:
            self._before_presenting = self._layout_now()
            if self.layout_preset == "full":
                self.layout_preset = "projector"
        elif not begins and self._before_presenting is not None:
            self._put_layout(self._before_presenting)
            self._before_presenting = None

    def _press(self, key: str) -> None:
        """Carry out a key of the presentation."""
        hands = self._hands
        playing = self.playing  # type: ignore[attr-defined]
        match key:
            case "toggle":
                hands.act("pause" if playing else "play")
            case "back":
                if playing:
                    hands.act("pause")
                hands.travel("goto", max(0, self.iteration - 1))  # type: ignore[attr-defined]
            case "step" | "step_d" | "step_g":
                if playing:
                    hands.act("pause")
                if key == "step" or key in self._dashboard.transport.buttons:
                    hands.act(key)
