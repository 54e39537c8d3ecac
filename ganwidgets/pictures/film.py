"""A run as a moving picture, one frame for each snapshot of its past."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from ..messages import Catalog
from .shown import Shown
from .still import poster

__all__ = ["film"]

LENGTH = 8.0
"""Seconds that a film takes, about."""

SHORTEST, LONGEST = 0.08, 1.0
"""Seconds for which each moment is seen; quicker than the first, browsers slow down."""

LAST = 2.0
"""Seconds for which the last moment is seen before it begins again."""


def film(moments: Iterable[Shown], catalog: Catalog) -> bytes:
    """Return the moments, one after the other and for ever, as an animated GIF.

    A GIF has 256 colours in each frame: grey images are exact, others are close.
    """
    frames = [_few_colours(poster(moment, catalog)) for moment in moments]
    each = min(max(LENGTH / len(frames), SHORTEST), LONGEST)
    durations = [round(1000 * each)] * (len(frames) - 1) + [round(1000 * LAST)]
    file = io.BytesIO()
    first, *others = frames
    first.save(file, "GIF", save_all=True, append_images=others, duration=durations, loop=0, disposal=1)
    return file.getvalue()


def _few_colours(image: Any) -> Any:
    from PIL import Image

    red, green, blue = image.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        return red
    return image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
