"""The visible parts of one widget: panels, controls, buttons, the heartbeat."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import ipywidgets

from ganwidgets.data import IMAGE_PRESETS, POINT_PRESETS, Source
from ganwidgets.live.observations import Focus
from ganwidgets.messages import Catalog, N_
from ganwidgets.modality import Modality
from ganwidgets.settings import Setting
from ganwidgets.trainer.what_if import WhatIf
from ganwidgets.widgets.browser.page.heartbeat import Heartbeat, gone_words
from ganwidgets.widgets.browser.style.shared_style import SharedStyle, set_hidden
from ganwidgets.widgets.controls.controls import ControlSet
from ganwidgets.widgets.panels.charts.chart_tools import ChartChoice
from ganwidgets.widgets.panels.export.panel import SavingPanel
from ganwidgets.widgets.panels.health.panel import HealthPanel
from ganwidgets.widgets.panels.own_panels import own_panels
from ganwidgets.widgets.panels.sentences.what_if import WhatIfPanel
from ganwidgets.widgets.panels.status.panel import StatusPanel
from ganwidgets.widgets.panels.status.unstored import UnstoredPanel
from ganwidgets.widgets.panels.timeline.panel import TimelinePanel
from ganwidgets.widgets.panels.transport.panel import Transport
from ganwidgets.widgets.panels.walk.panel import WalkPanel
from ganwidgets.widgets.trainer.dashboards.arrangement import Arrangement
from ganwidgets.widgets.trainer.dashboards.connections import Connections
from ganwidgets.widgets.trainer.dashboards.control_groups import ControlGroups
from ganwidgets.widgets.trainer.dashboards.panel import Panel, Preparing, descendants, needs_of
from ganwidgets.widgets.trainer.dashboards.visibility import HIDEABLE, Visibility
from ganwidgets.widgets.trainer.layout.layout_tools import LABELS, LayoutTools
from ganwidgets.widgets.trainer.layout.layout_values import PANELS, PRESETS
from ganwidgets.widgets.trainer.tour.guided_tour import GuidedTour

if TYPE_CHECKING:
    from ganwidgets.live import RunState

__all__ = ["Dashboard", "preset_labels"]

REST = 2.0
"""Maximum pause of a panel in seconds, regardless of the cost of its data."""


class Dashboard(ABC):
    """The visible parts of a widget, created once.

    A subclass creates the panels of its games, sets :attr:`charts`, and ends its constructor with :meth:`_complete`.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    links : Connections
    definitions : mapping of str to Setting
        The settings of the game; each has a control.
    actions : mapping
        See :class:`ganwidgets.widgets.panels.transport.panel.Transport`.

    Attributes
    ----------
    status, walk : StatusPanel, WalkPanel
    charts : mapping of str to ChartChoice
        Axis and curves of each chart that has a choice of them.
    children : tuple of Widget
        What the widget shows in the layout ``full``.
    """

    status: StatusPanel
    walk: WalkPanel
    charts: Mapping[str, ChartChoice]

    def __init__(
        self,
        catalog: Catalog,
        links: Connections,
        definitions: Mapping[str, Setting[Any]],
        actions: Mapping[str, tuple[str, str]],
    ) -> None:
        trainer, tasks = links.trainer, links.tasks
        source = trainer.source
        self._catalog, self._links, self._request = catalog, links, links.request
        self._modality = source.modality
        self._drawn_at: dict[str, float] = {}
        self._look = look = SharedStyle()
        self.layout_tools = LayoutTools(catalog, tuple(LABELS), tuple(PRESETS))
        self.transport = Transport(catalog, links.act, links.ask, look, actions, [self.layout_tools])
        self._unstored = UnstoredPanel(catalog, trainer.save, look)
        self._below_status = [self._unstored.widget, GuidedTour(catalog)]
        self.what_if = WhatIfPanel(catalog, trainer, links.carry_out, tasks, look)
        self.controls = ControlSet(
            catalog, links.ask, definitions, look, preset_labels(), self.what_if.changeable
        )
        self.controls.show(trainer.settings.as_dict())
        self._suit(source)
        self.timeline = TimelinePanel(
            catalog, links.travel, lambda: links.act("play"), links.compare, links.verify, look
        )
        self.health = HealthPanel(catalog, links.checkup, links.remedy, links.take, tasks, look, definitions)
        self._saving = SavingPanel(catalog, links.export, look)

    def _complete(
        self,
        groups: ControlGroups,
        panels: Sequence[Panel],
        parts: Mapping[str, ipywidgets.Widget],
        picture: ipywidgets.Widget,
        apart: Sequence[ipywidgets.Widget] = (),
        named: Sequence[Any] = (),
        hideable: Mapping[str, ipywidgets.DOMWidget] = MappingProxyType({}),
    ) -> None:
        """Put all panels in their places.

        Parameters
        ----------
        groups : ControlGroups
        panels : sequence of Panel
            Those that draw frames, without those that every dashboard has.
        parts : mapping of str to Widget
            What only these games have, by the names of layouts.
        picture : ipywidgets.Widget
        apart : sequence of Widget
            What is not always among the children of another one.
        named : sequence
            Parts with `names` that draw no frames.
        hideable : mapping of str to Widget
            What the widget's `controls` hides, beside controls, buttons and panels.
        """
        look, catalog, trainer = self._look, self._catalog, self._links.trainer
        own_parts = own_panels(look)
        self._own_widgets = tuple(part.widget for part in own_parts)
        self._panels: list[Panel] = [*panels, self.walk, self.status, self.timeline, self.health, *own_parts]
        self._groups = groups
        self._arrangement = Arrangement(
            look,
            {
                "transport": self.transport.widget,
                "status": self.status.widget,
                "walk": self.walk.widget,
                "health": self.health.widget,
                "what_if": self.what_if.widget,
                "timeline": self.timeline.widget,
                "settings": groups.tabs,
                "controls": groups.quick,
                "export": self._saving.widget,
                **parts,
            },
            picture,
        )
        all_parts = self._arrangement.parts
        self._hideable = [
            *((name, control.widget) for name, control in self.controls.controls.items()),
            *self.transport.buttons.items(),
            ("step", self.transport.count),
            ("speed", self.transport.speed.widget),
            *((name, all_parts[name]) for name in HIDEABLE if name in all_parts),
            *hideable.items(),
        ]
        names: dict[str, tuple[str, str]] = {}
        common = (self.controls, self.transport, self._saving, self._unstored, self.what_if)
        for part in (*common, *named, *self._panels):
            names.update(getattr(part, "names", {}))
        self.heartbeat = Heartbeat(
            self._links.listener,
            names,
            self._go,
            {**self.controls.places, "gw-speed": self.transport.speed.places},
            {**gone_words(catalog, trainer.run), "what_if": catalog(N_("What if?"))},
            self._links.stored,
        )
        self._visibility = Visibility(self._arrangement.names)
        self.children = self.arranged(PANELS)
        self._apart = [*apart, *self._arrangement.widgets()]

    # --- what is shown --------------------------------------------------------------------------

    def arranged(self, names: Sequence[str]) -> tuple[ipywidgets.Widget, ...]:
        """Return the children of the widget that show the panels `names` in their order.

        Panels that the games of this dashboard do not have are left out.
        """
        names = tuple(names)
        buttons = self.transport.widget
        others = tuple(child for child in buttons.children if child is not self.layout_tools)
        buttons.children = (*others, self.layout_tools) if "transport" in names else others
        children = self._arrangement.arranged(names)
        if "transport" not in names:  # without the tools users could not bring the buttons back
            children = (*children, self.layout_tools)
        if names != self._visibility.laid_out:
            if "walk" not in names:  # a note would be outdated when the panel is shown again
                self.walk.show_note("")
            self._visibility.laid_out = names
            self._request()
        if names == PANELS:  # registered panels come before the last one, and only in the full widget
            children = (*children[:-1], *self._own_widgets, children[-1])
        return (self.heartbeat, *children)

    def only(self, names: Collection[str] | None) -> None:
        """Show the controls, buttons and panels of these names and hide the others; None shows all."""
        for name, part in self._hideable:
            set_hidden(part, names is not None and name not in names)
        self._groups.only(names)
        self._visibility.hide_unless(names)
        self._request()

    def _shown(self, modality: Modality) -> list[Panel]:
        """Return the panels that are shown now, for a run on data of this kind."""
        return [panel for panel in self._panels if self._visibility.shows(panel.name, modality.view)]

    def widgets(self) -> list[ipywidgets.Widget]:
        """Return every widget of this dashboard, children before their parents."""
        found = [widget for top in (*self.children, *self._apart) for widget in descendants(top)]
        return list({id(widget): widget for widget in found}.values())

    # --- the run --------------------------------------------------------------------------------

    def begin(self, source: Source) -> None:
        """Use `source` at the beginning of a run on it."""
        self._modality = source.modality
        self._suit(source)

    def _suit(self, source: Source) -> None:
        """Show which controls have an effect on a run on `source`."""
        self.controls.suit(
            labelled=source.labelled, own=self._links.own, augmentable=source.modality.augmentable
        )

    def show_state(self, state: RunState) -> None:
        """Enable the buttons that apply now, and show the error."""
        self.transport.show(state.status, playing=state.playing)
        self.status.report(state.status, state.error)
        self._unstored.report(state.unstored)

    def look_ahead(self, steps: int, seeds: int, changes: Mapping[str, Any]) -> WhatIf:
        """Return two futures; both are shown while they are computed."""
        return self.what_if.compute(steps, seeds, changes)

    def _go(self, where: str) -> None:
        """Follow a click on an element that names its target."""
        kind, _, name = where.partition(":")
        if kind == self.what_if.name:
            self.what_if.open(name)
        else:
            self.timeline.go(where)

    # --- frames ---------------------------------------------------------------------------------

    @property
    @abstractmethod
    def picture_view(self) -> Any:
        """The view of the samples that a class follows."""

    @property
    @abstractmethod
    def _pictures_drawn(self) -> Collection[Panel]:
        """The panels that show the samples, which are drawn as often as there are frames."""

    @property
    @abstractmethod
    def pictures(self) -> int:
        """Number of images in a frame."""

    @property
    def focus(self) -> Focus:
        """The visible part of the plane."""
        return Focus()

    @property
    def label(self) -> int | None:
        """The label that the user chose for the images; None for all."""
        return None

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
        return needs_of(panels, "class_needs" if self.class_alone else "needs")

    def skipped(self, due: Collection[Panel]) -> frozenset[str]:
        """Return the observations that only panels outside `due` need."""
        return self.wanted - self._needs_of(panel for panel in self._shown(self._modality) if panel in due)

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
            cost = sum(costs.get(name, 0.0) for name in needs_of([panel]))
            often = panel in (self.status, *self._pictures_drawn)
            least = 0.0 if often else self._modality.panel_pause
            return max(panel.interval, least, min(cost / self._modality.panel_share, REST))

        due = [
            panel
            for panel in self._panels
            if everything or now - self._drawn_at.get(panel.name, -math.inf) >= interval(panel)
        ]
        self._drawn_at.update((panel.name, now) for panel in due)
        return due

    def draw(self, frame: Any, due: Iterable[Panel]) -> None:
        """Draw `frame` on the panels among `due` that are shown."""
        shown = self._shown(frame.modality)
        draws = [
            panel.prepared(frame) if isinstance(panel, Preparing) else partial(panel.draw, frame)
            for panel in due
            if panel in shown
        ]
        for draw in draws:
            draw()


def preset_labels() -> dict[str, str]:
    """Return the label of each preset of data."""
    points = {name: preset.label for name, preset in POINT_PRESETS.items()}
    return points | {name: preset.label for name, preset in IMAGE_PRESETS.items()}
