"""The scripts and stylesheets that widgets bring along to the page.

Strings, not paths: anywidget would keep every instance alive to watch a file (anywidget#929).
"""

from __future__ import annotations

from importlib.resources import files

__all__ = ["script", "stylesheet"]

WIDGETS = files("ganwidgets.widgets")


def script(*names: str) -> str:
    """Return one module of JavaScript: the files `names` below ``ganwidgets/widgets``, one after the other.

    The last one is the widget's own. The others define what several widgets need, and import nothing.
    """
    return "\n".join((WIDGETS / f"{name}.js").read_text("utf-8") for name in names)


def stylesheet(name: str) -> str:
    """Return the CSS file `name` below ``ganwidgets/widgets``."""
    return (WIDGETS / f"{name}.css").read_text("utf-8")
