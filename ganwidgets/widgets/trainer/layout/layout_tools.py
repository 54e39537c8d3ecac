"""The tools for arranging the panels of a widget, and for the full screen.

Traits are sent to the browser. The browser sends these messages:

- ``{"show": [names]}``: the panels to show, in this order;
- ``{"size": [name, width, height]}``: size of one panel in CSS pixels; 0 and 0 restore the default size;
- ``{"preset": name}``;
- ``{"keep": true}`` and ``{"forget": true}``: make this layout the user's default, and remove the default;
- ``{"present": bool}``: a view entered or left the full screen;
- ``{"key": name}``: a key of the presentation was pressed: ``toggle step back step_d step_g``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from traitlets import Dict, List, Unicode

from ganwidgets.messages import Catalog, N_
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.browser.page.scripted import ScriptedWidget

__all__ = ["LABELS", "LayoutTools"]

LABELS: Mapping[str, str] = {
    "transport": N_("Buttons"),
    "status": N_("Status"),
    "walk": N_("Inside one update"),
    "graph": N_("Overview"),
    "plane": N_("Plane of points"),
    "samples": N_("Samples"),
    "curves": N_("Losses"),
    "metrics": N_("Quality"),
    "health": N_("Health"),
    "what_if": N_("What if?"),
    "timeline": N_("Timeline"),
    "numbers": N_("All figures"),
    "settings": N_("Settings"),
    "export": N_("Save"),
    "controls": N_("Six controls"),
}
"""Displayed name of each panel."""

WORDS = {
    "arrange": N_("Arrange"),
    "arrange_help": N_("Show, hide, move and size the panels."),
    "present": N_("Present"),
    "present_help": N_(
        "Full screen. Keys: space plays and pauses, right and left step forward and back, d and g update one network, f ends it."
    ),
    "keep_in_view": N_("Keep in view"),
    "keep_in_view_help": N_(
        "The widget stays in a corner while you scroll to the cells that change its run."
    ),
    "put_back": N_("Put the widget back into its cell"),
    "kept": N_("This widget is kept in view in the corner of the page."),
    "up": N_("Move {panel} up"),
    "down": N_("Move {panel} down"),
    "larger": N_("Make {panel} larger"),
    "smaller": N_("Make {panel} smaller"),
    "own": N_("Give {panel} its own size"),
    "drag": N_("Drag a row to move a panel, and a panel's corner to size it."),
    "full": N_("Everything"),
    "projector": N_("Projector"),
    "compact": N_("Compact"),
    "keep": N_("Use for all my runs"),
    "forget": N_("Forget that"),
}


class LayoutTools(ScriptedWidget):
    """Three buttons, and the list of panels that the first one opens.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    names : sequence of str
        The panels that can be arranged; if empty, only the presentation is available.
    presets : sequence of str
    """

    _esm = script("trainer/layout/layout_tools")
    _css = stylesheet("trainer/layout/layout_tools")

    words = Dict().tag(sync=True)
    panels: Any = List(help="Name and label of each panel that can be arranged.").tag(sync=True)
    presets: Any = List(help="Names of the presets.").tag(sync=True)
    shown: Any = List(help="The panels that are shown, in their order.").tag(sync=True)
    sizes = Dict(help="Width and height of panels that a user sized, in CSS pixels, by name.").tag(sync=True)
    message = Unicode(help="Why the last wish was refused, or what it did.").tag(sync=True)

    def __init__(self, catalog: Catalog, names: Sequence[str], presets: Sequence[str]) -> None:
        super().__init__(
            words={name: catalog(text) for name, text in WORDS.items()},
            panels=[[name, catalog(LABELS[name])] for name in names],
            presets=list(presets),
            _dom_classes=("gw-layout-tools",),
        )
        self.on_request: Callable[[str, Any], None] = lambda _kind, _value: None
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        for kind, value in content.items():
            self.on_request(kind, value)
