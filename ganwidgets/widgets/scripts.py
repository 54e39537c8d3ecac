"""The scripts and stylesheets that widgets bring along to the page.

Strings, not paths: anywidget would keep every instance alive to watch a file (anywidget#929).
"""

from __future__ import annotations

from importlib.resources import files

__all__ = ["script", "stylesheet"]

STATIC = files(__package__) / "static"


def script(*names: str) -> str:
    """Return one module of JavaScript, of files that are written to be read one after the other.

    The last one is the widget's own; the others define what several widgets need, and import nothing.
    """
    return "\n".join((STATIC / f"{name}.js").read_text("utf-8") for name in names)


def stylesheet(name: str) -> str:
    """Return a file of CSS."""
    return (STATIC / f"{name}.css").read_text("utf-8")
