"""Images side by side, pixel by pixel."""

from __future__ import annotations

import io
import math

import numpy as np

from ganwidgets.rendering.pictures.snapshot_view import Shown

__all__ = ["as_png", "columns_of", "image_grid", "levels", "packed"]


def columns_of(frame: Shown) -> int:
    """Return the number of columns for generated images: one for each label, or about as many as rows."""
    if frame.labels is not None and (different := len(np.unique(frame.labels))) > 1:
        return different
    return math.ceil(math.sqrt(len(frame.generated)))


def levels(images: np.ndarray) -> np.ndarray:
    """Return images, float [N, C, H, W] in [0, 1], as bytes: uint8 [N, H, W, 3].

    With neither one nor three channels, the first three are shown; non-finite values are black.
    """
    shown = images[:, :3] if images.shape[1] >= 3 else np.repeat(images[:, :1], 3, axis=1)
    rounded = np.rint(np.clip(np.nan_to_num(shown), 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(rounded.transpose(0, 2, 3, 1))


def packed(images: np.ndarray) -> np.ndarray:
    """Return images as bytes, uint8 [N, H, W] if grey, else [N, H, W, 3]; see :func:`levels`."""
    colours = levels(images)
    return colours if images.shape[1] >= 3 else np.ascontiguousarray(colours[..., 0])


def image_grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Return images side by side, one transparent pixel apart.

    Parameters
    ----------
    images : float array [N, C, H, W]
        In [0, 1]; with neither one nor three channels, the first three are shown.
    columns : int, optional
        Images in a row; default: about as many as there are rows.

    Returns
    -------
    uint8 array [rows, columns, 4]
        RGBA; non-finite values are black.
    """
    count, _, height, width = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    grid = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, 4), np.uint8)
    for place, image in enumerate(levels(images)):
        top = place // columns * (height + 1)
        left = place % columns * (width + 1)
        tile = grid[top : top + height, left : left + width]
        tile[..., :3] = image
        tile[..., 3] = 255
    return grid


def as_png(grid: np.ndarray) -> bytes:
    """Return a grid, uint8 [rows, columns, 4], as a lossless PNG, compressed quickly."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(grid).save(file, "PNG", compress_level=1)
    return file.getvalue()
