"""Visibility of panels: the declared place of each, and the panels visible now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ganwidgets.modality import View
from ganwidgets.widgets.trainer.layout.layout_values import KNOWN, PANELS

__all__ = ["HIDEABLE", "Visibility"]

EVERY_VIEW: frozenset[View] = frozenset({"plane", "gallery"})
PICTURE = frozenset({"plane", "samples"})
"""Two names in a layout for the picture; the data determine which of the two is shown."""

OF_CLASS = frozenset({"plane", "samples", "exhibits"})
"""Panels whose view the pages of a class follow."""


class Place(NamedTuple):
    """Conditions under which a panel is shown."""

    parts: frozenset[str]
    """Names in a layout; any of them shows the panel."""
    views: frozenset[View] = EVERY_VIEW
    """Views of the data for which the panel is shown."""


PLACES: Mapping[str, Place] = MappingProxyType(
    {
        "graph": Place(frozenset({"graph"})),
        "plane": Place(PICTURE, frozenset({"plane"})),
        "samples": Place(PICTURE, frozenset({"gallery"})),
        "exhibits": Place(PICTURE),
        "map": Place(PICTURE, frozenset({"gallery"})),
        "scales": Place(PICTURE | {"graph"}, frozenset({"gallery"})),
        "walk": Place(frozenset({"walk"})),
        "status": Place(frozenset({"status"})),
        "curves": Place(frozenset({"curves"})),
        "metrics": Place(frozenset({"metrics", "numbers"})),
        "timeline": Place(frozenset({"timeline"})),
        "health": Place(frozenset({"health"})),
    }
)
"""The place of each panel that draws frames, by the panel's name. Registered panels are shown in the full layout only."""

HIDEABLE = ("walk", "health", "what_if", "explain", "rules", "timeline")
"""Panels that the widget's `controls` hide unless it names them."""


class Visibility:
    """The visible panels: those of the layout that suit the data and are not hidden.

    Parameters
    ----------
    parts : collection of str
        The names of a layout that the widget has something to show for.

    Attributes
    ----------
    laid_out : tuple of str
        Names in the layout.
    hidden : frozenset of str
        Panels that `controls` hides.
    class_alone : bool
        Only a class watches, which sees the picture and nothing else.
    """

    def __init__(self, parts: Collection[str] = KNOWN) -> None:
        self._parts = frozenset(parts)
        self.laid_out: tuple[str, ...] = PANELS
        self.hidden: frozenset[str] = frozenset()
        self.class_alone = False

    def hide_unless(self, names: Collection[str] | None) -> None:
        """Hide the panels of :data:`HIDEABLE` that are not among `names`; None hides none."""
        self.hidden = frozenset() if names is None else frozenset(HIDEABLE) - set(names)

    def shows(self, panel: str, view: View) -> bool:
        """Return True if the panel of this name is shown for data with this view."""
        place = PLACES.get(panel)
        if self.class_alone:
            return panel in OF_CLASS and place is not None and view in place.views
        if place is None:
            return self.laid_out == PANELS
        return (
            panel not in self.hidden
            and view in place.views
            and bool(place.parts & self._parts & set(self.laid_out))
        )
