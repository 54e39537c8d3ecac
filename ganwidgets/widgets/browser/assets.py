"""The scripts and stylesheets of widgets.

They are strings, not paths: to watch a file, anywidget would keep every instance alive (anywidget#929).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ganwidgets.widgets.browser.bundles import bundled_script, bundled_stylesheet

__all__ = ["script", "stylesheet"]

WIDGETS = files("ganwidgets.widgets")


@cache
def script(name: str) -> str:
    """Return the ES module ``ganwidgets/widgets/<name>.js``, bundled with all its imports."""
    return bundled_script(WIDGETS, f"{name}.js")


@cache
def stylesheet(name: str) -> str:
    """Return the stylesheet ``ganwidgets/widgets/<name>.css``, bundled with all its imports."""
    return bundled_stylesheet(WIDGETS, f"{name}.css")
