"""Kind of samples (points or images) by their shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ganwidgets.data.options import Kind
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.modality import MODALITIES
from ganwidgets.modality.checks import check_drawn

__all__ = ["are_images", "are_points", "image_shape", "sample_shape"]

CHANNELS = {1, 3}
"""Channels of an image: grey, or RGB."""

ELONGATED = 3
"""Minimum ratio of the sides of an ambiguous array [H, W]: an image or a time series."""

COLOR_CHANNELS = {3, 4}
"""Last sides of an array that may be one picture [H, W, C], whose rows would count as images."""

COLOR_ELONGATED = 2
"""Minimum ratio of the sides of a row of such a picture; a picture of 8x8 pixels has a higher one."""


def sample_shape(
    shape: Sequence[int], what: str, *, kind: Kind | None = None, pixels: bool = False
) -> tuple[Kind, tuple[int, ...]]:
    """Return the kind and the shape of samples passed as tensors of `shape`.

    Parameters
    ----------
    shape : sequence of int
        Of one sample.
    what : str
        Name in error messages, such as "one sample of the array".
    kind : str, optional
        The user's choice.
    pixels : bool
        True if the numbers are bytes, which are never a time series.

    Raises
    ------
    DataError
        If no kind of data recognizes the shape, if the shape is ambiguous, or if `kind` has no such shape.
    """
    shape = tuple(shape)
    if 0 in shape:
        raise DataError(
            Message(
                "{what} has shape {shape}, it is empty; leave it out or repair it", what=what, shape=shape
            )
        )
    if kind is None:
        kind = next((name for name, each in MODALITIES.items() if each.recognizes(shape, what, pixels)), None)
    if kind is None or not shape:
        raise DataError(_no_image(shape, what))
    trained = MODALITIES[kind].shape_of(shape, what)
    check_drawn(MODALITIES[kind], trained)
    return kind, trained


def are_points(shape: tuple[int, ...], what: str, pixels: bool) -> bool:
    """Return whether samples of `shape` are points: (F,), or one series of numbers."""
    return len(shape) == 1 or (len(shape) == 2 and _is_series(shape, what, pixels=pixels))


def are_images(shape: tuple[int, ...], _what: str, _pixels: bool) -> bool:
    """Return whether samples of `shape` are images: (H, W) or (C, H, W)."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in CHANNELS)


def image_shape(shape: tuple[int, ...], what: str) -> tuple[int, int, int]:
    """Return the shape (C, H, W) of images that came as `shape`.

    Raises
    ------
    DataError
        If images cannot have that shape.
    """
    if not are_images(shape, what, False):
        raise DataError(_no_image(shape, what))
    channels, height, width = (1, *shape)[-3:]
    return channels, height, width


def _is_series(shape: tuple[int, ...], what: str, *, pixels: bool) -> bool:
    """Return True if `shape` [H, W] is one series of numbers.

    Raises
    ------
    DataError
        If it may be several series, an image, or a row of pixels.
    """
    short, long = sorted(shape)
    channels_last = shape[-1] in COLOR_CHANNELS and long >= COLOR_ELONGATED * short
    if pixels and not channels_last:
        return False
    if short == 1 and long > 1 and not pixels:
        return True
    if long < ELONGATED * short and not channels_last:
        return False
    raise DataError(
        Message(
            "{what} has shape {shape}, which may be a time series, a row of pixels or a grey image; say which: "
            'kind="points" (flattened to {n} numbers) or kind="images"; one picture [H, W, C] alone is '
            "x.transpose(2, 0, 1)[None]",
            what=what,
            shape=shape,
            n=prod(shape),
        )
    )


def _no_image(shape: tuple[int, ...], what: str) -> Message:
    """Return the reason why `shape` is not an image."""
    if len(shape) == 1:
        return Message(
            '{what} has shape {shape}, which is no image; reshape the array to [N, H, W], or leave out kind="images"',
            what=what,
            shape=shape,
        )
    if len(shape) == 3 and shape[2] in CHANNELS:
        return Message(
            "{what} has shape {shape}, its channels last; put them first: an array [N, H, W, C] by "
            "x.transpose(0, 3, 1, 2), a tensor by x.permute(0, 3, 1, 2), one image without the N by (2, 0, 1)",
            what=what,
            shape=shape,
        )
    if len(shape) == 3:
        return Message(
            "{what} has shape {shape}, that is {channels} channels; images have 1 (grey) or 3 (RGB){hint}; for "
            'numbers that are no image pass kind="points"',
            what=what,
            shape=shape,
            channels=shape[0],
            hint=_without_alpha(shape),
        )
    return Message(
        "{what} has shape {shape}; points are (F,), images (H, W) or (C, H, W); for other numbers pass "
        'kind="points", which flattens them',
        what=what,
        shape=shape,
    )


def _without_alpha(shape: tuple[int, ...]) -> Message | str:
    if shape[2] == 4:
        return Message(", of RGBA take x[..., :3].transpose(0, 3, 1, 2)")
    return Message(", of RGBA take x[:, :3]") if shape[0] == 4 else ""
