"""The visible parts of one widget: panels, controls, buttons, the heartbeat."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import ipywidgets
import numpy as np

from ganwidgets.data import IMAGE_PRESETS, POINT_PRESETS, Source
from ganwidgets.diagnosis import Remedy
from ganwidgets.live.frames.explorer import Explorer
from ganwidgets.live.observations import Focus
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Catalog, N_
from ganwidgets.modality import Modality, View
from ganwidgets.trainer.trainer import GANTrainer
from ganwidgets.trainer.what_if import WhatIf
from ganwidgets.widgets.browser.page.heartbeat import Heartbeat, ViewListener, gone_words
from ganwidgets.widgets.browser.style.shared_style import SharedStyle, classed
from ganwidgets.widgets.controls.controls import ControlSet
from ganwidgets.widgets.panels.charts.curves import CurvesPanel
from ganwidgets.widgets.panels.charts.gap_meter import GapMeter
from ganwidgets.widgets.panels.charts.metrics import MetricsPanel
from ganwidgets.widgets.panels.export.panel import SavingPanel
from ganwidgets.widgets.panels.graph.panel import GraphPanel
from ganwidgets.widgets.panels.health.checkup import Checkup, Trial
from ganwidgets.widgets.panels.health.panel import HealthPanel
from ganwidgets.widgets.panels.own_data.panel import OwnDataPanel
from ganwidgets.widgets.panels.own_panels import own_panels
from ganwidgets.widgets.panels.plane.panel import PlanePanel
from ganwidgets.widgets.panels.recipes.panel import StartPanel
from ganwidgets.widgets.panels.samples.panel import SamplesPanel
from ganwidgets.widgets.panels.samples.sample_map import SampleMap
from ganwidgets.widgets.panels.scales.panel import ScalesPanel
from ganwidgets.widgets.panels.sentences.explain import ExplainPanel
from ganwidgets.widgets.panels.sentences.rules import Pilot, RulesPanel
from ganwidgets.widgets.panels.sentences.what_if import WhatIfPanel
from ganwidgets.widgets.panels.status.panel import StatusPanel
from ganwidgets.widgets.panels.status.unstored import UnstoredPanel
from ganwidgets.widgets.panels.timeline.panel import TimelinePanel
from ganwidgets.widgets.panels.transport.panel import Transport
from ganwidgets.widgets.panels.walk.panel import WalkPanel
from ganwidgets.widgets.trainer.dashboards.arrangement import Arrangement
from ganwidgets.widgets.trainer.dashboards.visibility import HIDEABLE, Visibility
from ganwidgets.widgets.trainer.layout.layout_tools import LABELS, LayoutTools
from ganwidgets.widgets.trainer.layout.layout_values import PANELS, PRESETS
from ganwidgets.widgets.trainer.tour.guided_tour import GuidedTour

if TYPE_CHECKING:
    from ganwidgets.live import Frame, RunState

__all__ = ["Dashboard", "Panel", "Preparing", "descendants"]

REST = 2.0
"""Maximum pause of a panel in seconds, regardless of the cost of its data."""


class Panel(Protocol):
    """A part of the widget that draws one aspect of a frame.

    A panel may also have `needs`: the names of :data:`ganwidgets.live.observations.OBSERVATIONS` that it needs in frames;
    and `class_needs`: those of them that it needs for the pages of a class.
    """

    name: str
    interval: float
    widget: ipywidgets.DOMWidget

    def draw(self, frame: Frame) -> None:
        """Show `frame`; called by the publisher's thread only."""


@runtime_checkable
class Preparing(Protocol):
    """A panel whose drawings take long to compute.

    All panels compute first and send afterwards: the browser begins to draw when the first drawing arrives, and may then need
    the processor that computes the others.
    """

    def prepared(self, frame: Frame) -> Callable[[], None]:
        """Compute the drawing of `frame`; return the function that sends it."""


class Dashboard:
    """The visible parts of a widget, created once.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    source : Source
        The data; decides which picture is shown.
    own : collection of str
        Those of ``"generator"`` and ``"discriminator"`` that are the user's own.
    act, ask : callable
        Called when a button is clicked, and when a control is moved.
    travel, compare, verify : callable
        See :class:`ganwidgets.widgets.panels.timeline.panel.TimelinePanel`.
    train : callable
        ``train(points)`` starts afresh on points ``[N, F]``.
    walk : callable
        See :class:`ganwidgets.widgets.panels.walk.panel.WalkPanel`.
    explorer, tasks : Explorer, LatestOnlyTasks
        See :class:`ganwidgets.widgets.panels.samples.panel.SamplesPanel`.
    export : callable
        See :class:`ganwidgets.widgets.panels.export.panel.SavingPanel`.
    rescue : callable
        See :class:`ganwidgets.widgets.panels.status.unstored.UnstoredPanel`.
    listener : ViewListener
        Listener to views and their acknowledgements.
    stored : str
        See :class:`ganwidgets.widgets.browser.page.heartbeat.Heartbeat`.
    run : Path or None
        The folder of the run.
    request : callable
        Requests a redraw of the current state; returns at once, thread-safe.
    judge_by : callable
        See :class:`ganwidgets.widgets.panels.charts.metrics.MetricsPanel`.
    checkup, remedy, take : Checkup, callable, callable
        See :class:`ganwidgets.widgets.panels.health.panel.HealthPanel`.
    trainer, carry_out : GANTrainer, callable
        See :class:`ganwidgets.widgets.panels.sentences.what_if.WhatIfPanel`.
    pilot : Pilot
        See :class:`ganwidgets.widgets.panels.sentences.rules.RulesPanel`.
    """

    def __init__(
        self,
        catalog: Catalog,
        source: Source,
        *,
        own: Collection[str],
        act: Callable[[str], None],
        ask: Callable[[str, Any], None],
        travel: Callable[[str, Any], int],
        compare: Callable[[str | None], None],
        verify: Callable[[], None] | None,
        train: Callable[[Source | np.ndarray], None],
        walk: Callable[[str, str], None],
        explorer: Explorer,
        tasks: LatestOnlyTasks,
        export: Callable[[str], Path],
        rescue: Callable[[str], None],
        listener: ViewListener,
        stored: str,
        run: Path | None,
        request: Callable[[], None],
        judge_by: Callable[[str], None],
        checkup: Checkup,
        remedy: Callable[[Remedy], None],
        take: Callable[[Trial], None],
        trainer: GANTrainer,
        carry_out: Callable[[Callable[[], None]], Any],
        pilot: Pilot,
    ) -> None:
        self._catalog = catalog
        self._request = request
        self._visibility = Visibility()
        look = SharedStyle()
        self.transport = Transport(catalog, act, ask, look)
        self.layout_tools = LayoutTools(catalog, tuple(LABELS), tuple(PRESETS))
        self.status = StatusPanel(catalog, look)
        self._unstored = UnstoredPanel(catalog, rescue, look)
        further = (self._unstored.widget, GuidedTour(catalog))
        self.status.widget.children = (*self.status.widget.children, *further)
        self.controls = ControlSet(catalog, ask, look=look, presets=_preset_labels())
        self._samples = SamplesPanel(catalog, explorer, tasks, request, look)
        self._plane = PlanePanel(catalog, request, look)
        self._pictures: dict[View, Panel] = {"plane": self._plane, "gallery": self._samples}
        self._map = SampleMap(catalog, explorer, tasks, request, look)
        self._scales = ScalesPanel(catalog, ask, lambda: self.controls.controls["growth_level"].shown, look)
        self._places: dict[View, ipywidgets.DOMWidget] = {
            "plane": self._plane.widget,
            "gallery": look.box([self._samples.widget, self._scales.widget, self._map.widget], "gw-images"),
        }
        self.graph = GraphPanel(catalog, request)
        self.starts = StartPanel(catalog, act, look)
        gap = GapMeter(trainer, tasks, request)
        self.curves = curves = CurvesPanel(catalog, look, gap)
        metrics = MetricsPanel(catalog, request, look, judge_by, gap, self._symptoms_shown)
        self.charts = {curves.name: curves.choice, metrics.name: metrics.curves}
        self.timeline = TimelinePanel(catalog, travel, lambda: act("play"), compare, verify, look)
        self.walk = WalkPanel(catalog, walk, look)
        saving = SavingPanel(catalog, export, look)
        self.health = HealthPanel(catalog, checkup, remedy, take, tasks, look)
        self.what_if = WhatIfPanel(catalog, trainer, carry_out, tasks, look)
        self.explain = ExplainPanel(catalog, trainer, tasks, request, look)
        self.rules = RulesPanel(catalog, trainer, pilot, tasks, look)
        for name in self.what_if.changeable:
            self.controls.controls[name].widget.add_class("gw-asks")
        self._panels: list[Panel] = [
            self.graph,
            *self._pictures.values(),
            self._map,
            self._scales,
            self.walk,
            self.status,
            curves,
            metrics,
            self.timeline,
            self.health,
        ]
        self.own_data = OwnDataPanel(catalog, partial(self._choose_data, ask), train)
        self._drawn_at: dict[str, float] = {}
        self._modality, self._own = source.modality, own
        self.controls.suit(labelled=source.labelled, own=own, augmentable=source.modality.augmentable)
        names: dict[str, tuple[str, str]] = {
            **self.controls.names,
            **self.transport.names,
            **saving.names,
            **self._unstored.names,
            **self.what_if.names,
            **self.explain.names,
            **self.rules.names,
        }
        for panel in self._panels:
            names.update(getattr(panel, "names", {}))
        self.heartbeat = Heartbeat(
            listener,
            names,
            self._go,
            {**self.controls.places, "gw-speed": self.transport.speed.places},
            {**gone_words(catalog, run), "what_if": catalog(N_("What if?"))},
            stored,
        )
        self._arrangement = Arrangement(
            look,
            self.controls,
            self.transport,
            self.status,
            self.graph,
            curves,
            metrics,
            self.timeline,
            self._places[source.modality.view],
            self.own_data,
            walk=self.walk.widget,
            health=self.health.widget,
            what_if=self.what_if.widget,
            explain=self.explain.widget,
            rules=self.rules.widget,
            starts=self.starts.widget,
            growth=self._scales.growth,
            hidden=[self.heartbeat],
        )
        self._arrangement.name_data(self._data_in_words(source))
        own_parts = own_panels(look)
        self._panels += own_parts
        self._own_widgets = tuple(part.widget for part in own_parts)
        self._saving = classed(saving.widget, "gw-part", "gw-part-export")
        self.children = self.arranged(PANELS)
        # Not among the children if the data need another picture.
        self._apart = [*self._places.values(), metrics.features, *self._arrangement.parts.values()]

    def arranged(self, names: Sequence[str]) -> tuple[ipywidgets.Widget, ...]:
        """Return the children of the widget that show the panels `names` in their order."""
        buttons = self.transport.widget
        others = tuple(child for child in buttons.children if child is not self.layout_tools)
        buttons.children = (*others, self.layout_tools) if "transport" in names else others
        children = self._arrangement.arranged(names, {"export": self._saving})
        if "transport" not in names:  # without the tools users could not bring the buttons back
            children = (*children, self.layout_tools)
        if tuple(names) != self._visibility.laid_out:
            if "walk" not in names:  # a note would be outdated when the panel is shown again
                self.walk.tell("")
            self._visibility.laid_out = tuple(names)
            self._request()
        # Registered panels come before the last one, and only in the full widget.
        return (*children[:-1], *self._own_widgets, children[-1]) if tuple(names) == PANELS else children

    def look_ahead(self, steps: int, seeds: int, changes: Mapping[str, Any]) -> WhatIf:
        """Return two futures; both are shown while they are computed."""
        return self.what_if.compute(steps, seeds, changes)

    def _go(self, where: str) -> None:
        """Follow a click on an element that names its target."""
        kind, _, name = where.partition(":")
        if kind == self.what_if.name:
            self.what_if.open(name)
        elif kind == self.explain.name:
            with contextlib.suppress(ValueError):  # a page may send anything
                self.explain.open(self.curves.iteration_at(float(name)))
        else:
            self.timeline.go(where)

    def _choose_data(self, ask: Callable[[str, Any], None], name: str) -> None:
        """Request a preset as the list does, and select it in the list."""
        ask("data", name)
        self.controls.show({"data": name})

    def only(self, names: Collection[str] | None) -> None:
        """Show the controls and buttons of these names and hide the others; None shows all."""
        parts = {name: control.widget for name, control in self.controls.controls.items()}
        parts.update(self.transport.buttons)
        parts.update(self.starts.buttons)
        parts["speed"] = self.transport.speed.widget
        parts.update((name, getattr(self, name).widget) for name in HIDEABLE)
        for name, part in (*parts.items(), ("step", self.transport.count)):
            if names is None or name in names:
                part.remove_class("gw-hidden")
            else:
                part.add_class("gw-hidden")
        self._arrangement.only(names)
        self._visibility.hide_unless(names)
        self._request()

    def begin(self, source: Source) -> None:
        """Show the panel for `source` at the beginning of a run on it."""
        self._modality = source.modality
        self.controls.suit(labelled=source.labelled, own=self._own, augmentable=source.modality.augmentable)
        self._arrangement.show_picture(self._places[source.modality.view])
        self._arrangement.name_data(self._data_in_words(source))

    def _data_in_words(self, source: Source) -> str:
        """Return the label of the data."""
        return self._catalog(_preset_labels().get(source.preset or "", source.name))

    def due(self, costs: Mapping[str, float], *, everything: bool) -> list[Panel]:
        """Return the panels to draw now: all, or those whose interval is over.

        Parameters
        ----------
        costs : mapping of str to float
            Seconds that each observation took last, by name; a panel that needs a costly one is drawn less often.
        everything : bool
            True to draw all.
        """
        now = time.monotonic()

        def interval(panel: Panel) -> float:
            cost = sum(costs.get(name, 0.0) for name in _needs([panel]))
            least = 0.0 if panel in (self.status, *self._pictures.values()) else self._modality.panel_pause
            return max(panel.interval, least, min(cost / self._modality.panel_share, REST))

        due = [
            panel
            for panel in self._panels
            if everything or now - self._drawn_at.get(panel.name, -math.inf) >= interval(panel)
        ]
        self._drawn_at.update((panel.name, now) for panel in due)
        return due

    @property
    def wanted(self) -> frozenset[str]:
        """Observations that frames must contain besides the samples: those that visible panels need."""
        return self._needs_of(self._shown(self._modality))

    @property
    def class_alone(self) -> bool:
        """True while only a class watches, which sees the picture and nothing else."""
        return self._visibility.class_alone

    @class_alone.setter
    def class_alone(self, alone: bool) -> None:
        self._visibility.class_alone = alone

    def _needs_of(self, panels: Iterable[Panel]) -> frozenset[str]:
        return _needs(panels, "class_needs" if self.class_alone else "needs")

    def skipped(self, due: Collection[Panel]) -> frozenset[str]:
        """Return the observations that only panels outside `due` need."""
        return self.wanted - self._needs_of(panel for panel in self._shown(self._modality) if panel in due)

    @property
    def picture_view(self) -> Any:
        """The view of the samples that a class follows."""
        picture: Any = self._pictures[self._modality.view]
        return picture.view

    @property
    def focus(self) -> Focus:
        """The visible part of the plane."""
        return self._plane.focus

    @property
    def pictures(self) -> int:
        """Number of images in a frame."""
        return self._samples.pictures

    @property
    def label(self) -> int | None:
        """The label that the user chose for the images; None for all."""
        return None if self._modality.on_plane else self._samples.label

    def _shown(self, modality: Modality) -> list[Panel]:
        """Return the panels that are shown now, for a run on data of this kind."""
        return [panel for panel in self._panels if self._visibility.shows(panel.name, modality.view)]

    def _symptoms_shown(self) -> frozenset[str]:
        """Return the symptoms that the health panel shows now."""
        shown = self._visibility.shows(self.health.name, self._modality.view)
        return self.health.symptoms if shown else frozenset()

    def show_state(self, state: RunState) -> None:
        """Enable the buttons that apply now, and show the error."""
        self.transport.show(state.status, playing=state.playing)
        self.status.report(state.status, state.error)
        self._unstored.report(state.unstored)

    def draw(self, frame: Frame, due: Iterable[Panel]) -> None:
        """Draw `frame` on the panels among `due` that are shown."""
        shown = self._shown(frame.modality)
        draws = [
            panel.prepared(frame) if isinstance(panel, Preparing) else partial(panel.draw, frame)
            for panel in due
            if panel in shown
        ]
        for draw in draws:
            draw()

    def widgets(self) -> list[ipywidgets.Widget]:
        """Return every widget of this dashboard, children before their parents."""
        found = [widget for top in (*self.children, *self._apart) for widget in descendants(top)]
        return list({id(widget): widget for widget in found}.values())


def _preset_labels() -> dict[str, str]:
    points = {name: preset.label for name, preset in POINT_PRESETS.items()}
    return points | {name: preset.label for name, preset in IMAGE_PRESETS.items()}


def _needs(panels: Iterable[Panel], kind: str = "needs") -> frozenset[str]:
    return frozenset[str]().union(*(getattr(panel, kind, getattr(panel, "needs", ())) for panel in panels))


def descendants(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """Yield a widget and all in it, children before their parents."""
    for child in getattr(widget, "children", ()):
        yield from descendants(child)
    yield widget
