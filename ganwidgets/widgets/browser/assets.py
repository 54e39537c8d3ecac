"""The scripts and stylesheets of widgets.

Strings, not paths: anywidget would keep every instance alive to watch a file (anywidget#929).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ganwidgets.widgets.browser.bundles import bundled_script, bundled_stylesheet

__all__ = ["script", "stylesheet"]

WIDGETS = files("ganwidgets.widgets")


@cache
def script(name: str) -> str:
    """Return the ES module `name` below ``ganwidgets/widgets``, without ``.js``, with all that it imports."""
    return bundled_script(WIDGETS, f"{name}.js")


@cache
def stylesheet(name: str) -> str:
    """Return the stylesheet `name` below ``ganwidgets/widgets``, without ``.css``, with all that it imports."""
    return bundled_stylesheet(WIDGETS, f"{name}.css")
