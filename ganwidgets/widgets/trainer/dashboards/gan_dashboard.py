"""The panels of the classic game's widget.

The graph of both networks is at the top, with controls at the parts that they affect. The picture and the
curves are below it, the other settings at the end, in tabs.
"""

from __future__ import annotations

import contextlib
import html
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import ipywidgets

from ganwidgets.data import Source
from ganwidgets.live.observations import Focus
from ganwidgets.messages import Catalog
from ganwidgets.modality import View
from ganwidgets.settings import SETTINGS
from ganwidgets.widgets.browser.style.shared_style import set_hidden
from ganwidgets.widgets.panels.charts.curves import CurvesPanel
from ganwidgets.widgets.panels.charts.gap_meter import GapMeter
from ganwidgets.widgets.panels.charts.metrics import MetricsPanel
from ganwidgets.widgets.panels.graph.panel import GraphPanel
from ganwidgets.widgets.panels.own_data.panel import OwnDataPanel
from ganwidgets.widgets.panels.plane.panel import PlanePanel
from ganwidgets.widgets.panels.recipes.panel import StartPanel
from ganwidgets.widgets.panels.samples.panel import SamplesPanel
from ganwidgets.widgets.panels.samples.sample_map import SampleMap
from ganwidgets.widgets.panels.scales.panel import ScalesPanel
from ganwidgets.widgets.panels.sentences.explain import ExplainPanel
from ganwidgets.widgets.panels.sentences.rules import RulesPanel
from ganwidgets.widgets.panels.status.panel import StatusPanel
from ganwidgets.widgets.panels.transport.panel import ACTIONS
from ganwidgets.widgets.panels.walk.panel import WalkPanel
from ganwidgets.widgets.trainer.dashboards.connections import Connections
from ganwidgets.widgets.trainer.dashboards.control_groups import TABS, Card, ControlGroups
from ganwidgets.widgets.trainer.dashboards.dashboard import Dashboard, preset_labels
from ganwidgets.widgets.trainer.dashboards.panel import Panel

__all__ = ["GANDashboard"]

NETWORKS = ("generator", "discriminator")

AT: Mapping[str, tuple[str, ...]] = {
    "noise": ("noise", "latent_dim"),
    "losses": ("loss", "penalty", "penalty_weight"),
    "data": ("data",),
}
"""Settings whose controls are at a part of the graph instead of in the tabs."""

QUICK = ("lr_d", "lr_g", "loss", "penalty", "d_steps", "batch_size")


class GANDashboard(Dashboard):
    """The visible parts of a widget of the classic game.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    links : Connections
    """

    def __init__(self, catalog: Catalog, links: Connections) -> None:
        super().__init__(catalog, links, SETTINGS, ACTIONS)
        look, trainer, tasks, request = self._look, links.trainer, links.tasks, links.request
        source = trainer.source
        self.status = StatusPanel(catalog, look, self._below_status)
        self.walk = WalkPanel(catalog, links.walk, look)
        self._samples = SamplesPanel(catalog, links.explorer, tasks, request, look)
        self._plane = PlanePanel(catalog, request, look)
        self._pictures: dict[View, Panel] = {"plane": self._plane, "gallery": self._samples}
        images = SampleMap(catalog, links.explorer, tasks, request, look)
        scales = ScalesPanel(catalog, links.ask, lambda: self.controls.controls["growth_level"].shown, look)
        self._places: dict[View, ipywidgets.DOMWidget] = {
            "plane": self._plane.widget,
            "gallery": look.box([self._samples.widget, scales.widget, images.widget], "gw-images"),
        }
        self.graph = GraphPanel(catalog, request)
        self.starts = StartPanel(catalog, links.act, look)
        gap = GapMeter(trainer, tasks, request)
        self.curves = curves = CurvesPanel(catalog, look, gap)
        metrics = MetricsPanel(catalog, request, look, links.judge_by, gap, self._symptoms_shown)
        self.charts = {curves.name: curves.choice, metrics.name: metrics.curves}
        self.explain = ExplainPanel(catalog, trainer, tasks, request, look)
        self.rules = RulesPanel(catalog, trainer, links.pilot, tasks, look)
        self.own_data = OwnDataPanel(catalog, partial(self._choose_data, links.ask), links.train)
        cards = {
            group: Card(look, self.controls.title(group), self.controls.in_group(group), f"gw-card-{group}")
            for group in NETWORKS
        }
        elsewhere = [name for names in AT.values() for name in names]
        pages = {group: self.controls.in_group(group, without=elsewhere) for group in TABS}
        self._complete(
            ControlGroups(
                look,
                self.controls,
                [*cards.values()],
                {group: members for group, members in pages.items() if members},
                {"fresh start": [self.own_data, self.starts.widget]},
                QUICK,
            ),
            [self.graph, *self._pictures.values(), images, scales, curves, metrics],
            {
                "graph": self._overview(source, cards, scales.growth),
                "curves": curves.widget,
                "metrics": metrics.widget,
                "numbers": metrics.numbers,
                "explain": self.explain.widget,
                "rules": self.rules.widget,
            },
            self._places[source.modality.view],
            # Not among the children if the data need another picture.
            apart=[*self._places.values(), metrics.features],
            named=[self.explain, self.rules],
            hideable=self.starts.buttons,
        )

    def _overview(
        self, source: Source, cards: Mapping[str, Card], growth: ipywidgets.Widget
    ) -> ipywidgets.Widget:
        """Return the graph with the controls at its parts."""
        look, controls = self._look, self.controls.controls
        # If the control is hidden, the name of the data stays: an arrow begins there.
        self._data_name = look.html(self._data_in_words(source), "gw-data-name", "gw-hidden")
        below = {"data": [self._data_name]}
        noise, losses, data = (
            look.box(
                [*(controls[name].widget for name in names), *below.get(part, ())],
                "gw-at",
                f"gw-at-{part}",
            )
            for part, names in AT.items()
        )
        generator, discriminator = (cards[group].widget for group in NETWORKS)
        parts = look.box([noise, generator, discriminator, losses], "gw-parts")
        return look.part("graph", [self.graph.widget, growth, data, parts], f"gw-{self.graph.name}")

    def _go(self, where: str) -> None:
        kind, _, place = where.partition(":")
        if kind == self.explain.name:
            with contextlib.suppress(ValueError):  # a page may send anything
                self.explain.open(self.curves.iteration_at(float(place)))
        else:
            super()._go(where)

    def _choose_data(self, ask: Any, name: str) -> None:
        """Request a preset as the list does, and select it in the list."""
        ask("data", name)
        self.controls.show({"data": name})

    def only(self, names: Collection[str] | None) -> None:
        """Show the controls, buttons and panels of these names and hide the others; None shows all."""
        set_hidden(self._data_name, names is None or "data" in names)
        super().only(names)

    def begin(self, source: Source) -> None:
        """Show the panel for `source` at the beginning of a run on it."""
        super().begin(source)
        self._arrangement.show_picture(self._places[source.modality.view])
        self._data_name.value = self._data_in_words(source)

    def _data_in_words(self, source: Source) -> str:
        """Return what the data are called, for the place of their control."""
        label = html.escape(self.controls.controls["data"].names[0])
        name = html.escape(self._catalog(preset_labels().get(source.preset or "", source.name)))
        return f'<span class="gw-cell-label">{label}</span><br><b>{name}</b>'

    @property
    def picture_view(self) -> Any:
        """The view of the samples that a class follows."""
        picture: Any = self._pictures[self._modality.view]
        return picture.view

    @property
    def _pictures_drawn(self) -> Collection[Panel]:
        return self._pictures.values()

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

    def _symptoms_shown(self) -> frozenset[str]:
        """Return the symptoms that the health panel shows now."""
        shown = self._visibility.shows(self.health.name, self._modality.view)
        return self.health.symptoms if shown else frozenset()
