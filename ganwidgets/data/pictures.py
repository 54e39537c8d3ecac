"""Pillow's images as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError
from ..messages import Message

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["flattened", "is_grey", "pixels"]


def is_grey(image: Image) -> bool:
    """Return whether `image` is of a mode without colour; its pixels are not looked at."""
    return image.mode in {"1", "L", "LA", "La", "F"} or image.mode.startswith("I")


def flattened(image: Image, *, grey: bool) -> Image:
    """Return `image` upright (EXIF), on white where it is transparent, in mode L or RGB.

    Raises
    ------
    DataError
        If its numbers have no known range.
    """
    import PIL.Image
    from PIL.ImageOps import exif_transpose

    upright = exif_transpose(image)
    if upright.mode == "F" or upright.mode.startswith("I"):
        upright = PIL.Image.fromarray(_eight_bits(np.asarray(upright)))
    if upright.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer)
    return upright.convert("L" if grey else "RGB")


def _eight_bits(
    values: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return 16-bit grey values as 8-bit ones: 65535 becomes 255."""
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise DataError(
            Message(
                "its grey values from {low:g} to {high:g} have no known range; save it with 8 or 16 bits",
                low=values.min(),
                high=values.max(),
            )
        )
    return np.rint(values.astype(np.float64) / 257).astype(np.uint8)


def pixels(image: Image) -> Tensor:
    """Return an image of mode L or RGB as uint8 [C, H, W]."""
    values = torch.from_numpy(np.array(image))
    return values.unsqueeze(0) if values.ndim == 2 else values.permute(2, 0, 1).contiguous()
