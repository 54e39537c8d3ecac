"""Translation equivariance of a generator (Karras et al. 2021, section 2 and appendix E.1)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

__all__ = ["psnr", "translated", "translated_by_fraction", "translation_error"]

LANCZOS = 3
"""Number of lobes of the Lanczos filter on each side."""


def psnr(squared_error: float, pixels: float) -> float:
    """Return 20 log10(2) - 10 log10(squared_error / pixels), in dB, for images within [-1, 1]."""
    return 20 * math.log10(2) - 10 * math.log10(squared_error / pixels)


def translated(images: Tensor, tx: float, ty: float) -> tuple[Tensor, Tensor]:
    """Return images moved by whole pixels, and a mask of the known pixels.

    Parameters
    ----------
    images : Tensor
        [N, C, H, W].
    tx, ty : float
        To the right and down, in image sides; rounded to whole pixels.

    Returns
    -------
    tuple of Tensor
        Both [N, C, H, W]; zero where unknown.
    """
    height, width = images.shape[2:]
    x, y = round(tx * width), round(ty * height)
    moved, mask = torch.zeros_like(images), torch.zeros_like(images)
    if abs(x) >= width or abs(y) >= height:
        return moved, mask
    to = (..., slice(max(y, 0), height + min(y, 0)), slice(max(x, 0), width + min(x, 0)))
    source = (..., slice(max(-y, 0), height + min(-y, 0)), slice(max(-x, 0), width + min(-x, 0)))
    moved[to] = images[source]
    mask[to] = 1
    return moved, mask


def translated_by_fraction(images: Tensor, tx: float, ty: float) -> tuple[Tensor, Tensor]:
    """Return images moved by fractions of a pixel, with a Lanczos filter of three lobes.

    Parameters and results are those of :func:`translated`, without rounding.
    """
    height, width = images.shape[2:]
    x, y = math.floor(tx * width), math.floor(ty * height)
    kernel_x, kernel_y = (_lanczos(move - math.floor(move), images) for move in (tx * width, ty * height))
    taps = 2 * LANCZOS
    before, after = LANCZOS - 1, LANCZOS
    # Zero padding as wide as the filter and the move together.
    room = taps + max(abs(x), abs(y))
    flat = pad(images, (room,) * 4).flatten(0, 1).unsqueeze(1)
    flat = conv2d(conv2d(flat, kernel_x[None, None, None]), kernel_y[None, None, :, None])
    begin_y, begin_x = room - y - after, room - x - after
    moved = flat[:, 0, begin_y : begin_y + height, begin_x : begin_x + width].reshape(images.shape)
    mask = torch.zeros_like(images)
    low_y, high_y = max(y + after, 0), min(height + y - before, height)
    low_x, high_x = max(x + after, 0), min(width + x - before, width)
    if low_y < high_y and low_x < high_x:
        mask[..., low_y:high_y, low_x:high_x] = 1
    return moved, mask


def _lanczos(fraction: float, like: Tensor) -> Tensor:
    """Return the taps that move a signal by `fraction` of a pixel, with sum 1, as a correlation."""
    place = torch.arange(2 * LANCZOS, dtype=torch.float64) - (LANCZOS - 1) - fraction
    taps = torch.sinc(place) * torch.sinc(place / LANCZOS)
    return (taps / taps.sum()).flip(0).to(like)


def translation_error(
    synthesis: Callable[[], Tensor],
    transform: Tensor,
    moves: list[tuple[float, float]],
    move: Callable[[Tensor, float, float], tuple[Tensor, Tensor]],
) -> tuple[float, float]:
    """Return the sum of squared errors of moved images, and the number of compared values.

    Parameters
    ----------
    synthesis : callable
        Returns images [N, C, H, W] under the current `transform`.
    transform : Tensor
        [3, 3], the buffer of the synthesis input. It is restored.
    moves : list of tuple of float
        (tx, ty), in image sides.
    move : callable
        :func:`translated` or :func:`translated_by_fraction`.
    """
    before = transform.clone()
    error = pixels = 0.0
    try:
        with torch.no_grad():
            transform.copy_(torch.eye(3))
            images = synthesis()
            for tx, ty in moves:
                transform[0, 2], transform[1, 2] = -tx, -ty
                expected, mask = move(images, tx, ty)
                error += float(((synthesis() - expected).double().square() * mask).sum())
                pixels += float(mask.double().sum())
    finally:
        with torch.no_grad():
            transform.copy_(before)
    return error, pixels
