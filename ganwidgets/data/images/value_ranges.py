"""Which numbers of images mean black and white: decided by most of the numbers, never by a few."""

from __future__ import annotations

import torch
from torch import Tensor

from ganwidgets.data.notices import warn_of_data
from ganwidgets.errors import DataError
from ganwidgets.messages import Message
from ganwidgets.seeds import seeded

__all__ = [
    "BINARY",
    "BYTES",
    "SIGNED",
    "UNIT",
    "Range",
    "contradicts",
    "decided_depth",
    "decided_range",
    "warn_of_range",
]

Range = tuple[float, float]

UNIT: Range = (0.0, 1.0)
SIGNED: Range = (-1.0, 1.0)
BYTES: Range = (0.0, 255.0)
BINARY: Range = (0.0, 1.0)

OUTLIERS = 0.005
"""Share of numbers that no decision depends on."""

STRANGE = 0.1
"""Share of the numbers of a mask other than 0 that may differ from 1: bright points on black are no mask."""

OVERSHOOT = 0.1
"""Share of a range by which resampled images may exceed it; such numbers are clipped without a word."""

ROUNDING = 1e-3
"""Size of a negative number that may be a rounding error of 0."""

NARROW = 0.1
"""Share of its range that images fill at least; below, the range is unlikely to be theirs."""

LOOKED_AT = 2**20
"""Numbers that a decision is made on; of more, that many are drawn."""

WHITES = (255, 1023, 4095, 16383, 65535)
"""Largest numbers of 8, 10, 12, 14 and 16 bits."""


def decided_range(images: Tensor, what: str) -> Range:
    """Return the numbers of `images` that mean black and white.

    Bytes are 0 to 255, and 0 to 1 where nearly all that are not 0 are 1 (a mask). Whole numbers of other types are a
    mask or refused. Numbers with a fraction are [-1, 1] where a share of them is negative, else [0, 1].

    Parameters
    ----------
    images : Tensor, bool, uint8, int64 or float32, finite
        Any shape.
    what : str
        How an error calls it, such as "the array".

    Raises
    ------
    DataError
        If the range cannot be known.
    """
    values = _looked_at(images)
    if images.dtype == torch.bool:
        return BINARY
    if not images.is_floating_point():
        if _is_mask(values):
            return BINARY
        if images.dtype == torch.uint8:
            return BYTES
    else:
        found = SIGNED if _is_signed(values) else UNIT
        if not _mostly_outside(values, found):
            return found
    raise DataError(_unknown_range(images, values, what))


def decided_depth(values: Tensor, what: str) -> Range:
    """Return black and white of pictures of more than 8 bits: of the fewest bits that hold nearly all `values`.

    Parameters
    ----------
    values : Tensor, float32 [n]
        Pixels of some of the pictures.
    what : str
        How a warning calls them.

    Warns
    -----
    DataWarning
        If these are fewer than 16 bits, as those of a camera of 12 bits.
    """
    if not len(values):
        return 0.0, float(WHITES[-1])
    _, most = _quantiles(_looked_at(values))
    white = 1 if _is_mask(values) else next((each for each in WHITES if 1 < most <= each), WHITES[-1])
    if white < WHITES[-1]:
        warn_of_data(
            Message(
                "nearly all pixels of {what} are at most {white}, of 65535 that 16 bits hold; {white} is taken for white; "
                "if they are dark indeed, pass value_range=(0, 65535)",
                what=what,
                white=white,
            )
        )
    return 0.0, float(white)


def contradicts(images: Tensor, taken: Range) -> bool:
    """Return whether more of `images` than a few outliers lie outside the range that they were taken for."""
    return _mostly_outside(images.flatten(), taken) or not bool(images.isfinite().all())


def warn_of_range(images: Tensor, taken: Range, what: str) -> None:
    """Warn where numbers of `images` are clipped, and where they fill so little of a range that it is unlikely.

    Warns
    -----
    DataWarning
        What is unlikely, and how to say what is meant.
    """
    outside = _outside(images, taken)
    low, high = (value.item() for value in images.aminmax())
    if count := int(outside.sum()):
        warn_of_data(
            Message(
                "{count} of the {n} numbers of {what} lie outside the range {taken} that the others have, from {low:g} "
                "to {high:g}; they are clipped; to say which numbers are black and white pass value_range=(low, high)",
                count=count,
                n=images.numel(),
                what=what,
                taken=_written(taken),
                low=low,
                high=high,
            )
        )
        return
    lower, upper = _filled(_looked_at(images))
    if 0 < upper - lower < NARROW * (taken[1] - taken[0]):
        warn_of_data(
            Message(
                "nearly all numbers of {what} lie from {lower:g} to {upper:g}, a small part of the range {taken} that "
                "they are taken for: the images train nearly without contrast; if those numbers are black and white, "
                "pass value_range=({lower:g}, {upper:g}); if they were divided twice, divide once",
                what=what,
                lower=lower,
                upper=upper,
                taken=_written(taken),
            )
        )


def _looked_at(images: Tensor) -> Tensor:
    """Return numbers of `images`, all or :data:`LOOKED_AT`, the same ones each time."""
    flat = images.flatten()
    if len(flat) <= LOOKED_AT:
        return flat
    return flat[torch.randint(len(flat), (LOOKED_AT,), generator=seeded(0, "range of images"))]


def _share(which: Tensor) -> float:
    return float(which.double().mean()) if which.numel() else 0.0


def _is_mask(values: Tensor) -> bool:
    """Return whether nearly all whole numbers are 0 or 1, and most of those that are not 0 are 1; False for zeros alone."""
    others = values[values != 0]
    strange = int((others != 1).sum())
    return len(others) > 0 and strange <= OUTLIERS * len(values) and strange <= STRANGE * len(others)


def _is_signed(values: Tensor) -> bool:
    """Return whether the negative ones among `values` are more than outliers or overshoot."""
    low, high = _quantiles(values)
    return low < -OVERSHOOT or (low < -ROUNDING and -low > high / 4)


def _outside(values: Tensor, taken: Range) -> Tensor:
    if values.dtype == torch.bool:
        return torch.zeros_like(values)
    margin = OVERSHOOT * (taken[1] - taken[0]) if values.is_floating_point() else 0
    return (values < taken[0] - margin) | (values > taken[1] + margin)


def _mostly_outside(values: Tensor, taken: Range) -> bool:
    return _share(_outside(values, taken)) > OUTLIERS


def _quantiles(values: Tensor) -> Range:
    """Return the numbers between which all `values` lie but a share of :data:`OUTLIERS` at either end."""
    ordered = values.double().sort().values
    cut = int(OUTLIERS * len(ordered))
    return ordered[cut].item(), ordered[len(ordered) - 1 - cut].item()


def _filled(values: Tensor) -> Range:
    """Return between which numbers `values` lie, a background of one number (the median) counted once."""
    ground = values.double().median()
    others = values[values.double() != ground]
    if not len(others):
        return ground.item(), ground.item()
    low, high = _quantiles(others)
    return min(low, ground.item()), max(high, ground.item())


def _written(taken: Range) -> str:
    return f"[{taken[0]:g}, {taken[1]:g}]"


def _unknown_range(images: Tensor, values: Tensor, what: str) -> Message:
    low, high = (value.item() for value in images.aminmax())
    least, most = _quantiles(values)
    white = next((each for each in WHITES if most <= each), most)
    likely = (0, white) if least >= 0 else (least, most)
    if images.is_floating_point():
        found = Message("{what} holds numbers from {low:g} to {high:g}", what=what, low=low, high=high)
    else:
        found = Message(
            "{what} holds whole numbers from {low} to {high} that are not of type uint8",
            what=what,
            low=low,
            high=high,
        )
    return Message(
        "{found}; images are uint8, or numbers in [0, 1] or [-1, 1]: pass the numbers that mean black and white, such as "
        'value_range=({black:g}, {white:g}); for numbers that are no image pass kind="points"',
        found=found,
        black=likely[0],
        white=likely[1],
    )
