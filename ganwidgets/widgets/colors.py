"""The colours of :mod:`ganwidgets.pictures.colors`, and how the stylesheet calls them."""

from __future__ import annotations

from ..pictures.colors import DISCRIMINATOR, GENERATED, GENERATOR, REAL, rgb

__all__ = ["DISCRIMINATOR", "GENERATED", "GENERATOR", "REAL", "css", "rgb"]


def css(meaning: str) -> str:
    """Return the stylesheet's colour for ``d g real generated text``, a little lighter in a dark theme."""
    return f"var(--gw-{meaning})"
