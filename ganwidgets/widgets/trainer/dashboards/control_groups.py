"""Controls in cards and tabs, and six of them for a one-screen layout."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence

import ipywidgets

from ganwidgets.widgets.browser.style.shared_style import SharedStyle, set_hidden
from ganwidgets.widgets.controls.controls import Control, ControlSet

__all__ = ["TABS", "Card", "ControlGroups"]

TABS = ("objective", "optimizer", "run", "fresh start")
"""Groups of settings with a tab."""

ONE_SCREEN = 6
"""Number of controls of a one-screen layout."""


class Card:
    """The controls of one network or player, below its name.

    Parameters
    ----------
    look : SharedStyle
    title : str
    members : sequence of Control
    css_class : str
    """

    def __init__(self, look: SharedStyle, title: str, members: Sequence[Control], css_class: str) -> None:
        self.names = [control.name for control in members]
        head = look.html(f"<span>{html.escape(title)}</span>", "gw-card-title")
        self.widget = look.box([head, *(control.widget for control in members)], "gw-card", css_class)


class ControlGroups:
    """Controls in cards and tabs; those without a control that is shown are hidden.

    Parameters
    ----------
    look : SharedStyle
    controls : ControlSet
    cards : sequence of Card
    pages : mapping of str to sequence of Control
        The controls of each tab, by the name of a group.
    below : mapping of str to sequence of Widget
        What follows the controls of a tab.
    quick : sequence of str
        The controls of a one-screen layout unless a teacher chose others.

    Attributes
    ----------
    cards : sequence of Card
    tabs : ipywidgets.Tab
    quick : ipywidgets.Box
        The controls of a one-screen layout.
    """

    def __init__(
        self,
        look: SharedStyle,
        controls: ControlSet,
        cards: Sequence[Card],
        pages: Mapping[str, Sequence[Control]],
        below: Mapping[str, Sequence[ipywidgets.Widget]],
        quick: Sequence[str],
    ) -> None:
        self.cards = cards
        self._controls, self._default = controls.controls, quick
        self._names = {group: [control.name for control in members] for group, members in pages.items()}
        self._titles = {group: controls.title(group) for group in pages}
        self._pages: dict[str, ipywidgets.Widget] = {}
        for group, members in pages.items():
            grid = look.box([control.widget for control in members], "gw-grid")
            self._pages[group] = look.box([grid, *below[group]], "gw-fresh") if below.get(group) else grid
        self.tabs = ipywidgets.Tab(
            list(self._pages.values()),
            titles=list(self._titles.values()),
            **look.of(ipywidgets.Tab, "gw-tabs", "gw-part", "gw-part-settings"),
        )
        self.quick = look.part("controls", self._quick_controls(None), "gw-grid", "gw-quick")

    def only(self, names: Collection[str] | None) -> None:
        """Hide the cards and tabs without a control among `names`; None shows all."""
        self.quick.children = self._quick_controls(names)
        for card in self.cards:
            set_hidden(card.widget, names is not None and not set(card.names) & set(names))
        shown = [
            group for group, members in self._names.items() if names is None or set(members) & set(names)
        ]
        self.tabs.children = [self._pages[group] for group in shown]
        self.tabs.titles = [self._titles[group] for group in shown]
        if shown:
            self.tabs.selected_index = 0
        set_hidden(self.tabs, not shown)

    def _quick_controls(self, names: Collection[str] | None) -> tuple[ipywidgets.Widget, ...]:
        chosen = [name for name in names or () if name in self._controls] or self._default
        return tuple(self._controls[name].widget for name in chosen[:ONE_SCREEN])
