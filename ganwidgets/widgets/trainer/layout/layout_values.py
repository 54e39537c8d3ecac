"""Values of a layout, and the traits that validate them: preset, panels with sizes, axes and curves of charts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import traitlets
from traitlets import TraitError

from ganwidgets.messages import Message
from ganwidgets.settings.types import nearest
from ganwidgets.widgets.panels.charts.chart_tools import MOST_CURVES, SCALES, Scale

__all__ = ["KNOWN", "PANELS", "PRESETS", "CurvesTrait", "PresetTrait", "ScalesTrait", "SizesTrait"]

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
    "explain",
    "rules",
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


SMALLEST, LARGEST = 24, 4000
"""Bounds of a panel's width and height, in CSS pixels."""


class SizesTrait(traitlets.TraitType[Any, Any]):
    """Width and height of panels by name: ``{"curves": (600, 300)}``."""

    def validate(self, _obj: Any, value: Any) -> Mapping[str, tuple[int, int]]:
        """Return `value` as a read-only mapping; raise `TraitError` if it is not one, or a size is out of bounds."""
        if not isinstance(value, Mapping):
            raise TraitError(
                Message("panel_sizes must be a mapping of names to sizes, not {value!r}", value=value)
            )
        sizes = {}
        for name, size in value.items():
            if not isinstance(name, str) or name not in KNOWN:
                raise TraitError(
                    Message(
                        "panel_sizes has {name!r}, which is no panel; choose from {known}",
                        name=name,
                        known=", ".join(KNOWN),
                    )
                )
            if not (
                isinstance(size, (tuple, list))
                and len(size) == 2
                and all(type(side) is int and SMALLEST <= side <= LARGEST for side in size)
            ):
                raise TraitError(
                    Message(
                        "the size of {name!r} cannot be {size!r}: it must be a width and a height from {least} to {most}",
                        name=name,
                        size=size,
                        least=SMALLEST,
                        most=LARGEST,
                    )
                )
            sizes[name] = (size[0], size[1])
        return MappingProxyType(sizes)


class ScalesTrait(traitlets.TraitType[Any, Any]):
    """The vertical axes of charts by name: ``{"curves": "log"}``."""

    def validate(self, _obj: Any, value: Any) -> Mapping[str, Scale]:
        """Return `value` as a read-only mapping; raise `TraitError` if it is not one, or an axis is unknown."""
        if not isinstance(value, Mapping):
            raise TraitError(
                Message("chart_scales must be a mapping of names to scales, not {value!r}", value=value)
            )
        for name, scale in value.items():
            if scale not in SCALES:
                raise TraitError(
                    Message(
                        "the axis of {name!r} cannot be {scale!r}; choose one of {known}",
                        name=name,
                        scale=scale,
                        known=", ".join(SCALES),
                    )
                )
        return MappingProxyType(dict(value))


class CurvesTrait(traitlets.TraitType[Any, Any]):
    """The curves of charts by name: ``{"metrics": ("modes", "sliced_wasserstein")}``."""

    def validate(self, _obj: Any, value: Any) -> Mapping[str, tuple[str, ...]]:
        """Return `value` as a read-only mapping; raise `TraitError` unless it maps names to lists of names."""
        if not isinstance(value, Mapping):
            raise TraitError(
                Message("chart_curves must be a mapping of names to curves, not {value!r}", value=value)
            )
        chosen = {}
        for name, curves in value.items():
            if (
                not isinstance(curves, (tuple, list))
                or not all(isinstance(curve, str) for curve in curves)
                or len(curves) > MOST_CURVES
                or len(set(curves)) < len(curves)
            ):
                raise TraitError(
                    Message(
                        "the curves of {name!r} cannot be {curves!r}: give at most {most} names, each once",
                        name=name,
                        curves=curves,
                        most=MOST_CURVES,
                    )
                )
            if curves:
                chosen[name] = tuple(curves)
        return MappingProxyType(chosen)


def check_charts(asked: Mapping[str, Any], known: Mapping[str, tuple[str, ...]], trait: str) -> None:
    """Raise `TraitError` if a name in `asked` is not a chart, or one of its curves is not `known`."""
    for name, wish in asked.items():
        if name not in known:
            raise TraitError(
                Message(
                    "{trait} has {name!r}, which is no chart{hint}; choose from {known}",
                    trait=trait,
                    name=name,
                    hint=nearest(name, known),
                    known=", ".join(known),
                )
            )
        for curve in wish if isinstance(wish, tuple) else ():
            if curve not in known[name]:
                raise TraitError(
                    Message(
                        "{name!r} has no curve {curve!r}{hint}; choose from {known}",
                        name=name,
                        curve=curve,
                        hint=nearest(curve, known[name]),
                        known=", ".join(known[name]),
                    )
                )
