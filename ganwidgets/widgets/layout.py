"""Where everything stands.

The picture and the curves on top, with the two networks' controls beside them; the other settings
below, in tabs. On a narrow page the columns fold under each other.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import ipywidgets

from .controls import Control, ControlSet
from .curves import CurvesPanel
from .look import Look, classed
from .metrics import MetricsPanel
from .status import StatusPanel
from .timeline import TimelinePanel
from .transport import Transport

__all__ = ["Arrangement"]

NETWORKS = ("discriminator", "generator")
TABS = ("objective", "optimizer", "fresh start")


class Arrangement:
    """All parts of a widget in their places.

    Parameters
    ----------
    look : Look
        What the parts share.
    controls : ControlSet
    transport : Transport
    status : StatusPanel
    curves : CurvesPanel
    metrics : MetricsPanel
    timeline : TimelinePanel
    picture : ipywidgets.Widget
        The plane or the samples.
    own_data : ipywidgets.Widget
        Where data is drawn or pasted; it stands below the control of the data.
    hidden : iterable of ipywidgets.Widget
        What is to be part of the page without being seen, such as the heartbeat.

    Attributes
    ----------
    children : tuple of ipywidgets.Widget
        For the widget itself, which must carry the CSS class ``gw-root``.
    """

    def __init__(
        self,
        look: Look,
        controls: ControlSet,
        transport: Transport,
        status: StatusPanel,
        curves: CurvesPanel,
        metrics: MetricsPanel,
        timeline: TimelinePanel,
        picture: ipywidgets.Widget,
        own_data: ipywidgets.Widget,
        hidden: Iterable[ipywidgets.Widget] = (),
    ) -> None:
        self._look = look
        self._picture = look.box([picture], "gw-picture")
        losses = look.box([controls.controls["loss"].widget, curves.widget], "gw-column")
        charts = look.box([losses, metrics.widget], "gw-pair", "gw-charts")
        cards = look.box([self._card(controls, group) for group in NETWORKS], "gw-pair", "gw-cards")
        right = look.box([charts, cards], "gw-right")
        main = look.box([self._picture, right], "gw-main")
        pages = [self._grid(controls.in_group(group, without=("loss",))) for group in TABS]
        pages[-1] = look.box([pages[-1], own_data], "gw-fresh")
        tabs = classed(
            ipywidgets.Tab(
                pages,
                titles=[controls.title(group) for group in TABS],
                layout=look.layout,
            ),
            "gw-tabs",
        )
        self.children = (
            *hidden,
            transport.widget,
            status.widget,
            main,
            timeline.widget,
            metrics.numbers,
            tabs,
        )

    def show_picture(self, picture: ipywidgets.Widget) -> None:
        """Put another panel in the picture's place."""
        self._picture.children = (picture,)

    def _card(self, controls: ControlSet, group: str) -> ipywidgets.Box:
        title = self._look.html(f"<span>{html.escape(controls.title(group))}</span>", "gw-card-title")
        members = controls.in_group(group)
        return self._look.box(
            [title, *(control.widget for control in members)], "gw-card", f"gw-card-{group}"
        )

    def _grid(self, members: Sequence[Control]) -> ipywidgets.Box:
        return self._look.box([control.widget for control in members], "gw-grid")
