"""Which panels a widget shows, in which order, and presets that fit one screen."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import traitlets
from traitlets import TraitError, Tuple, observe, validate

from ganwidgets.messages import Message

__all__ = ["PANELS", "PRESETS", "LayoutTraits"]

PANELS = (
    "transport",
    "status",
    "walk",
    "graph",
    "plane",
    "samples",
    "curves",
    "metrics",
    "health",
    "what_if",
    "timeline",
    "numbers",
    "settings",
    "export",
)
"""Panels of the preset ``full``, in their order. Points have the plane, images the samples."""

ONE_SCREEN = ("transport", "status", "plane", "samples", "curves", "controls")

PRESETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"full": PANELS, "projector": ONE_SCREEN, "compact": ONE_SCREEN}
)
"""The panels of each preset, in their order."""

KNOWN = (*PANELS, "controls")


class PresetTrait(traitlets.TraitType[Any, Any]):
    """The name of a preset of :data:`PRESETS`."""

    def validate(self, _obj: Any, value: Any) -> str:
        """Return `value` if it names a preset; raise `TraitError` otherwise."""
        if not isinstance(value, str) or value not in PRESETS:
            raise TraitError(
                Message(
                    "layout_preset cannot be {value!r}; choose one of {known}",
                    value=value,
                    known=", ".join(PRESETS),
                )
            )
        return value


class LayoutTraits(traitlets.HasTraits):
    """The traits of a widget that decide on what it shows; neither changes a bit of the run."""

    _dashboard: Any

    layout_preset = PresetTrait(
        "full", help="full, projector (one screen, large text) or compact (one screen)."
    )
    panels = Tuple(
        default_value=PANELS,
        help="The names of the panels that are shown, in order; a new layout_preset replaces them.",
    )

    @validate("panels")
    def _known_panels(self, proposal: Any) -> tuple[str, ...]:
        names: tuple[Any, ...] = proposal["value"]
        for at, name in enumerate(names):
            if not isinstance(name, str) or name not in KNOWN:
                close = difflib.get_close_matches(str(name), KNOWN, n=1)
                raise TraitError(
                    Message(
                        "panels has {name!r}, which is no panel{hint}; choose from {known}",
                        name=name,
                        hint=Message("; did you mean {name}?", name=close[0]) if close else "",
                        known=", ".join(KNOWN),
                    )
                )
            if name in names[:at]:
                raise TraitError(Message("panels has {name!r} twice; name each panel once", name=name))
        if "controls" in names and {"graph", "settings"} & set(names):
            raise TraitError(
                Message(
                    "panels has {name!r} beside 'controls', which shows controls of it; leave one of them out",
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

    @observe("panels")
    def _panels_chosen(self, change: Any) -> None:
        self.children = self._dashboard.arranged(change["new"])
