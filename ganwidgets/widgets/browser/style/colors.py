"""CSS variables for the colours of :mod:`ganwidgets.rendering.drawing.colors`."""

from __future__ import annotations

import ipywidgets

from ganwidgets.rendering.drawing.colors import DISCRIMINATOR, GENERATED, GENERATOR, REAL, TONES, rgb

__all__ = ["DISCRIMINATOR", "GENERATED", "GENERATOR", "REAL", "css", "rgb"]


_FIXED = {**TONES, "text": "#767676"}
"""Readable on light and dark backgrounds."""


def css(meaning: str) -> str:
    """Return the CSS colour of ``text`` or of a tone; the stylesheet makes it slightly lighter in a dark theme.

    The tones are those of :data:`~ganwidgets.rendering.drawing.colors.TONES`. ipywidgets 7, as in Google Colab, refuses
    CSS variables, so the colour is the same in both themes there.
    """
    if int(ipywidgets.__version__.split(".")[0]) < 8:
        return _FIXED[meaning]
    return f"var(--gw-{meaning})"
