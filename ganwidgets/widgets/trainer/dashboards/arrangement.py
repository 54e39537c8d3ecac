"""Layout of the widget.

The graph of both networks is at the top, with controls at the parts that they affect. The picture and the
curves are below it, the other settings at the end, in tabs. On a narrow page the columns fold under each
other.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Mapping, Sequence

import ipywidgets

from ganwidgets.widgets.browser.style.shared_style import SharedStyle, classed
from ganwidgets.widgets.controls.controls import Control, ControlSet
from ganwidgets.widgets.panels.charts.curves import CurvesPanel
from ganwidgets.widgets.panels.charts.metrics import MetricsPanel
from ganwidgets.widgets.panels.graph.panel import GraphPanel
from ganwidgets.widgets.panels.status.panel import StatusPanel
from ganwidgets.widgets.panels.timeline.panel import TimelinePanel
from ganwidgets.widgets.panels.transport.panel import Transport

__all__ = ["Arrangement", "MainRow"]

NETWORKS = ("generator", "discriminator")
TABS = ("objective", "optimizer", "fresh start")
AT_NOISE = ("noise", "latent_dim")
AT_LOSSES = ("loss", "penalty", "penalty_weight")
AT_DATA = ("data",)
"""Settings whose controls are at these parts of the graph instead of in the tabs."""

QUICK = ["lr_d", "lr_g", "loss", "penalty", "d_steps", "batch_size"]
"""Default controls of a one-screen layout."""

PICTURES, CHARTS = {"plane", "samples"}, {"curves", "metrics"}


class MainRow:
    """One row of a widget with the picture and the charts.

    Parameters
    ----------
    look : SharedStyle
    picture : ipywidgets.Widget
        Shown for the panels ``plane`` and ``samples``.
    """

    def __init__(self, look: SharedStyle, picture: ipywidgets.Widget) -> None:
        self._picture = picture
        self._charts = look.box([], "gw-charts")
        self._main = look.box([], "gw-main")

    def arranged(
        self, names: Iterable[str], parts: Mapping[str, ipywidgets.Widget]
    ) -> list[ipywidgets.Widget]:
        """Return the widgets of the panels `names` in their order; names without a part are left out.

        The first panels of the row that follow each other share it; a later group has no row.
        """
        children: list[ipywidgets.Widget] = []
        row: list[ipywidgets.Widget] = []
        charts: list[ipywidgets.Widget] = []
        closed = False
        for name in names:
            if name not in PICTURES and name not in parts:
                continue
            if name in PICTURES | CHARTS and not closed:
                if self._main not in children:
                    children.append(self._main)
                if name in CHARTS:
                    charts.append(parts[name])
                    part: ipywidgets.Widget = self._charts
                else:
                    part = self._picture
                if part not in row:
                    row.append(part)
                continue
            closed = closed or bool(row)
            part = self._picture if name in PICTURES else parts[name]
            if part not in children and part not in row:
                children.append(part)
        self._charts.children = charts
        self._main.children = row
        return children


class Arrangement:
    """All parts of a widget in their places.

    Parameters
    ----------
    look : SharedStyle
        Layout and styles shared by the parts.
    controls : ControlSet
    transport : Transport
    status : StatusPanel
    graph : GraphPanel
    curves : CurvesPanel
    metrics : MetricsPanel
    timeline : TimelinePanel
    picture : ipywidgets.Widget
        The plane or the samples.
    own_data : ipywidgets.Widget
        Board for drawn or pasted data, in the tab of settings that need a fresh start.
    walk : ipywidgets.Widget
        The player of a walk through one update.
    health : ipywidgets.Widget
        Findings and remedies.
    what_if : ipywidgets.Widget
        Two futures side by side.
    explain : ipywidgets.Widget
        Explanations of iterations, and notes.
    rules : ipywidgets.Widget
        The rules that supervise the run.
    starts : ipywidgets.Widget
        Starting points.
    growth : ipywidgets.Widget
        The stack of networks that grow, a part of the overview.
    hidden : iterable of ipywidgets.Widget
        Invisible parts of the page, such as the heartbeat.

    Attributes
    ----------
    parts : dict of str to ipywidgets.Widget
        Panels by name, without the picture, which depends on the data.
    """

    def __init__(
        self,
        look: SharedStyle,
        controls: ControlSet,
        transport: Transport,
        status: StatusPanel,
        graph: GraphPanel,
        curves: CurvesPanel,
        metrics: MetricsPanel,
        timeline: TimelinePanel,
        picture: ipywidgets.Widget,
        own_data: ipywidgets.Widget,
        walk: ipywidgets.Widget,
        health: ipywidgets.Widget,
        what_if: ipywidgets.Widget,
        explain: ipywidgets.Widget,
        rules: ipywidgets.Widget,
        starts: ipywidgets.Widget,
        growth: ipywidgets.Widget,
        hidden: Iterable[ipywidgets.Widget] = (),
    ) -> None:
        self._look = look
        self._picture = look.box([picture], "gw-picture")
        noise, losses, data = (
            look.box([controls.controls[name].widget for name in names], "gw-at", f"gw-at-{part}")
            for part, names in (("noise", AT_NOISE), ("losses", AT_LOSSES), ("data", AT_DATA))
        )
        generator, discriminator = (self._card(controls, group) for group in NETWORKS)
        parts = look.box([noise, generator, discriminator, losses], "gw-parts")
        self._cards = {
            box: [control.name for control in controls.in_group(group)]
            for box, group in zip((generator, discriminator), NETWORKS, strict=True)
        }
        # If the control is hidden, the name of the data stays: an arrow begins there.
        self._data_name = look.html("", "gw-data-name", "gw-hidden")
        data.children = (*data.children, self._data_name)
        self._data_label = controls.controls["data"].names[0]
        overview = look.box([graph.widget, growth, data, parts], f"gw-{graph.name}")
        self._main_row = MainRow(look, self._picture)
        elsewhere = (*AT_NOISE, *AT_LOSSES, *AT_DATA)
        self._members = {group: controls.in_group(group, without=elsewhere) for group in TABS}
        self._titles = {group: controls.title(group) for group in TABS}
        self._pages = {group: self._grid(members) for group, members in self._members.items()}
        self._pages["fresh start"] = look.box([self._pages["fresh start"], own_data, starts], "gw-fresh")
        self._tabs = classed(
            ipywidgets.Tab(
                list(self._pages.values()), titles=list(self._titles.values()), layout=look.layout
            ),
            "gw-tabs",
        )
        self._hidden = tuple(hidden)
        self._controls = controls
        self._quick = look.box([], "gw-grid", "gw-quick")
        self._choose_quick(None)
        self.parts: dict[str, ipywidgets.Widget] = {
            "transport": transport.widget,
            "status": status.widget,
            "health": health,
            "what_if": what_if,
            "explain": explain,
            "rules": rules,
            "walk": walk,
            "graph": overview,
            "curves": curves.widget,
            "metrics": metrics.widget,
            "timeline": timeline.widget,
            "numbers": metrics.numbers,
            "settings": self._tabs,
            "controls": self._quick,
        }
        for name, part in (*self.parts.items(), ("plane", self._picture), ("samples", self._picture)):
            classed(part, "gw-part", f"gw-part-{name}")

    def arranged(
        self, names: Sequence[str], more: Mapping[str, ipywidgets.Widget]
    ) -> tuple[ipywidgets.Widget, ...]:
        """Return the children of the widget that show the panels `names` in their order.

        The picture and the charts that follow each other share one row; a later group has no row.

        Parameters
        ----------
        names : sequence of str
        more : mapping of str to Widget
            Panels that are not among :attr:`parts`.
        """
        return (*self._hidden, *self._main_row.arranged(names, {**self.parts, **more}))

    def _choose_quick(self, names: Collection[str] | None) -> None:
        """Put the six controls of a one-screen layout in their places."""
        chosen = [name for name in names or () if name in self._controls.controls] or QUICK
        self._quick.children = [self._controls.controls[name].widget for name in chosen[:6]]

    def only(self, names: Collection[str] | None) -> None:
        """Hide the cards and tabs without a control among `names`; None shows all."""
        self._choose_quick(names)
        if names is None or "data" in names:
            self._data_name.add_class("gw-hidden")
        else:
            self._data_name.remove_class("gw-hidden")
        for card, members in self._cards.items():
            if names is None or any(name in names for name in members):
                card.remove_class("gw-hidden")
            else:
                card.add_class("gw-hidden")
        shown = [
            group
            for group, members in self._members.items()
            if names is None or any(control.name in names for control in members)
        ]
        self._tabs.children = [self._pages[group] for group in shown]
        self._tabs.titles = [self._titles[group] for group in shown]
        if shown:
            self._tabs.selected_index = 0
            self._tabs.remove_class("gw-hidden")
        else:
            self._tabs.add_class("gw-hidden")

    def name_data(self, name: str) -> None:
        """Show the name of the data if their control is hidden."""
        self._data_name.value = f'<span class="gw-cell-label">{html.escape(self._data_label)}</span><br><b>{html.escape(name)}</b>'

    def show_picture(self, picture: ipywidgets.Widget) -> None:
        """Replace the picture by another panel."""
        self._picture.children = (picture,)

    def _card(self, controls: ControlSet, group: str) -> ipywidgets.Box:
        title = self._look.html(f"<span>{html.escape(controls.title(group))}</span>", "gw-card-title")
        members = controls.in_group(group)
        return self._look.box(
            [title, *(control.widget for control in members)], "gw-card", f"gw-card-{group}"
        )

    def _grid(self, members: Sequence[Control]) -> ipywidgets.Box:
        return self._look.box([control.widget for control in members], "gw-grid")
