"""The panels of a widget in their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import ipywidgets

from ganwidgets.widgets.browser.style.shared_style import SharedStyle

__all__ = ["Arrangement"]

PICTURES, CHARTS = {"plane", "samples"}, {"curves", "metrics"}


class Arrangement:
    """The panels of a widget in the order of a layout.

    The picture and the charts that follow each other share one row. On a narrow page they fold under each other.

    Parameters
    ----------
    look : SharedStyle
    parts : mapping of str to Widget
        The panels by name, without the picture.
    picture : ipywidgets.Widget
        Shown for the panels ``plane`` and ``samples``.

    Attributes
    ----------
    parts
        As above.
    """

    def __init__(
        self, look: SharedStyle, parts: Mapping[str, ipywidgets.Widget], picture: ipywidgets.Widget
    ) -> None:
        self.parts = parts
        self._picture = look.part("plane", [picture], "gw-part-samples", "gw-picture")
        self._charts = look.box([parts[name] for name in sorted(CHARTS)], "gw-charts")
        self._main = look.box([self._picture, self._charts], "gw-main")

    @property
    def names(self) -> frozenset[str]:
        """The panels that there are."""
        return frozenset(self.parts) | PICTURES

    def arranged(self, names: Iterable[str]) -> tuple[ipywidgets.Widget, ...]:
        """Return the widgets of the panels `names` in their order; names without a panel are left out.

        The first panels of the row that follow each other share it; a later group has no row.
        """
        children: list[ipywidgets.Widget] = []
        row: list[ipywidgets.Widget] = []
        charts: list[ipywidgets.Widget] = []
        closed = False
        for name in names:
            if name not in self.names:
                continue
            if name in PICTURES | CHARTS and not closed:
                if self._main not in children:
                    children.append(self._main)
                if name in CHARTS:
                    charts.append(self.parts[name])
                    part: ipywidgets.Widget = self._charts
                else:
                    part = self._picture
                if part not in row:
                    row.append(part)
                continue
            closed = closed or bool(row)
            part = self._picture if name in PICTURES else self.parts[name]
            if part not in children and part not in row:
                children.append(part)
        self._charts.children = charts
        self._main.children = row
        return tuple(children)

    def show_picture(self, picture: ipywidgets.Widget) -> None:
        """Put another panel in the picture's place."""
        self._picture.children = (picture,)

    def widgets(self) -> list[ipywidgets.Widget]:
        """Return the panels, those that no layout shows now among them."""
        return [self._picture, *self.parts.values()]
