"""Conversion of Pillow images to bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ganwidgets.errors import DataError
from ganwidgets.messages import Message

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["SIXTEEN_BITS", "Depth", "flattened", "grey_numbers", "is_deep", "is_grey", "pixels"]


def is_grey(image: Image) -> bool:
    """Return True if the mode of `image` has no colour; its pixels are not read."""
    return image.mode in {"1", "L", "LA", "La", "F"} or image.mode.startswith("I")


def is_deep(image: Image) -> bool:
    """Return True if the pixels of `image` have more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def grey_numbers(image: Image, most: int = 2**14) -> Tensor:
    """Return the integers of a deep image, float32 [n]: all, or `most` evenly spread; empty for fractions."""
    if image.mode == "F":
        return torch.empty(0)
    values = torch.from_numpy(np.asarray(image).astype(np.float32)).flatten()
    if len(values) <= most:
        return values
    return values[torch.linspace(0, len(values) - 1, most, dtype=torch.float64).long()]


@dataclass(frozen=True)
class Depth:
    """The numbers of deep images that mean black and white.

    Attributes
    ----------
    value_range : (float, float)
    asked_for : bool
        True if the user passed them; otherwise numbers beyond 16 bits are refused.
    """

    value_range: tuple[float, float]
    asked_for: bool


SIXTEEN_BITS = Depth((0, 65535), asked_for=False)


def flattened(image: Image, *, grey: bool, depth: Depth = SIXTEEN_BITS) -> Image:
    """Return `image` upright (EXIF), in mode L or RGB, with transparent pixels on white.

    Parameters
    ----------
    image : Image
    grey : bool
        Return mode L.
    depth : Depth
        Black and white of a deep image.

    Raises
    ------
    DataError
        If its numbers have no known range and the user passed none.
    """
    import PIL.Image
    from PIL.ImageOps import exif_transpose

    upright = exif_transpose(image)
    if is_deep(upright):
        upright = PIL.Image.fromarray(_eight_bits(np.asarray(upright), depth))
    if upright.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer)
    return upright.convert("L" if grey else "RGB")


def _eight_bits(
    values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], depth: Depth
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return grey values as 8-bit ones: black becomes 0, white 255."""
    if not depth.asked_for and (values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535):
        raise DataError(
            Message(
                "its grey values from {low:g} to {high:g} have no known range; save it with 8 or 16 bits, or pass the "
                "numbers that mean black and white: value_range=({low:g}, {high:g})",
                low=values.min(),
                high=values.max(),
            )
        )
    black, white = depth.value_range
    scaled = (values.astype(np.float64) - black) / ((white - black) / 255)
    bytes_: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = np.rint(scaled.clip(0, 255)).astype(np.uint8)
    return bytes_


def pixels(image: Image) -> Tensor:
    """Return an image of mode L or RGB as uint8 [C, H, W]."""
    values = torch.from_numpy(np.array(image))
    return values.unsqueeze(0) if values.ndim == 2 else values.permute(2, 0, 1).contiguous()
