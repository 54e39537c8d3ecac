"""Map of the discriminator's verdict: pale tints for "generated" and "real".

Undecided is transparent, so that the map suits light and dark pages. A canvas draws it as runs of cells of
one shade, not as an image: ipycanvas creates an object URL for every image and never releases it, up to
twenty a second while the page is visible.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ganwidgets.rendering.drawing.colors import GENERATED, REAL, rgb

__all__ = ["heat_image", "heat_runs", "shades"]

STRENGTH = 0.4
"""Opacity where D is certain."""
STEPS = 16
"""Number of shades on each side of undecided."""


def shades(verdict: np.ndarray) -> np.ndarray:
    """Return each cell's shade, int8, from -16 (D says generated) to 16 (D says real).

    Parameters
    ----------
    verdict : float array
        In [0, 1], 1 for real; NaN is undecided.
    """
    levels = np.clip(np.nan_to_num(verdict, nan=0.5), 0, 1)
    shade: np.ndarray = np.rint((2 * levels - 1) * STEPS).astype(np.int8)
    return shade


def heat_runs(verdict: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the drawing commands: for each shade its colour, and the runs of cells with it.

    Parameters
    ----------
    verdict : float array [rows, columns]
        Row 0 is the lowest; up to 255 on each side.

    Yields
    ------
    color : str
        With its opacity, such as ``"#0072B266"``.
    x, y, width : uint8 array
        In cells; y counts from the top.
    """
    shade = shades(verdict)[::-1]
    rows, columns = shade.shape
    # A run begins at each row's first cell and wherever the shade changes.
    begins = np.ones((rows, columns), dtype=bool)
    begins[:, 1:] = shade[:, 1:] != shade[:, :-1]
    starts = np.flatnonzero(begins)
    widths = np.diff(starts, append=rows * columns)
    found = shade.ravel()[starts]
    for value in np.unique(found):
        if value:
            chosen = found == value
            y, x = np.divmod(starts[chosen], columns)
            color = REAL if value > 0 else GENERATED
            opacity = round(255 * STRENGTH * abs(int(value)) / STEPS)
            yield f"{color}{opacity:02X}", *(each.astype(np.uint8) for each in (x, y, widths[chosen]))


def heat_image(verdict: np.ndarray) -> np.ndarray:
    """Return the map as an image, uint8 [rows, columns, 4] (RGBA), highest row first."""
    shade = shades(verdict)[::-1]
    image = np.empty((*shade.shape, 4))
    image[..., :3] = np.where(shade[..., None] < 0, rgb(GENERATED), rgb(REAL))
    image[..., 3] = 255 * STRENGTH * np.abs(shade.astype(float)) / STEPS
    return np.rint(image).astype(np.uint8)
