"""Names of the stylesheet for the colours of :mod:`ganwidgets.rendering.drawing.colors`."""

from __future__ import annotations

import ipywidgets

from ganwidgets.rendering.drawing.colors import DISCRIMINATOR, GENERATED, GENERATOR, REAL, TONES, rgb

__all__ = ["DISCRIMINATOR", "GENERATED", "GENERATOR", "REAL", "css", "rgb"]


_FIXED = {**TONES, "text": "#767676"}
"""Readable on light and dark ground."""


def css(meaning: str) -> str:
    """Return the stylesheet's colour for ``text`` or a tone of :data:`~ganwidgets.rendering.drawing.colors.TONES`, a little lighter in a dark theme.

    ipywidgets 7, which Google Colab has, refuses a variable of the stylesheet; there it is the same colour in both
    themes.
    """
    if int(ipywidgets.__version__.split(".")[0]) < 8:
        return _FIXED[meaning]
    return f"var(--gw-{meaning})"
