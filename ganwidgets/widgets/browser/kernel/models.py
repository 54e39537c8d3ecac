"""All models of a widget: its parts, and their layouts and styles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ipywidgets
from ipycanvas.canvas import _CANVAS_MANAGER

__all__ = ["models_of"]


def models_of(*roots: ipywidgets.Widget) -> list[ipywidgets.Widget]:
    """Return `roots` and every model reachable through synced traits, each once.

    Among them are layouts, styles, scales, axes and marks. The manager shared by all canvases of a kernel is
    excluded.
    """
    found: dict[int, ipywidgets.Widget] = {}
    waiting = list(roots)
    while waiting:
        widget = waiting.pop()
        if id(widget) in found or widget is _CANVAS_MANAGER:
            continue
        found[id(widget)] = widget
        waiting.extend(_widgets_in([widget._trait_values.get(name) for name in widget.keys]))
    return list(found.values())


def _widgets_in(value: Any) -> Iterator[ipywidgets.Widget]:
    if isinstance(value, ipywidgets.Widget):
        yield value
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _widgets_in(item)
    elif isinstance(value, Mapping):
        yield from _widgets_in(list(value.values()))
