"""Value range of images: the numbers for black and white, estimated robustly."""

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
"""Share of numbers at either end that no decision depends on."""

STRANGE = 0.1
"""Maximum share of a mask's nonzero numbers that differ from 1: bright points on black are no mask."""

OVERSHOOT = 0.1
"""Share of a range by which resampled images may exceed it; such numbers are clipped without a warning."""

ROUNDING = 1e-3
"""Maximum size of a negative number that counts as a rounding error of 0."""

NARROW = 0.1
"""Minimum share of their range that images fill; below, the range is probably wrong."""

LOOKED_AT = 2**20
"""Number of values for a decision; of more, a sample is drawn."""

WHITES = (255, 1023, 4095, 16383, 65535)
"""Largest numbers of 8, 10, 12, 14 and 16 bits."""


def decided_range(images: Tensor, what: str) -> Range:
    """Return the numbers of `images` that mean black and white.

    Bytes have the range 0 to 255, or 0 to 1 if nearly all nonzero numbers are 1 (a mask). Integers of other types are a
    mask or refused. Fractions have the range [-1, 1] if a share of them is negative, else [0, 1].

    Parameters
    ----------
    images : Tensor, bool, uint8, int64 or float32, finite
        Any shape.
    what : str
        Name in error messages, such as "the array".

    Raises
    ------
    DataError
        If the range cannot be determined.
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
    """Return black and white of pictures of more than 8 bits: the fewest bits that hold nearly all `values`.

    Parameters
    ----------
    values : Tensor, float32 [n]
        Pixels of some of the pictures.
    what : str
        Name of the pictures in a warning.

    Warns
    -----
    DataWarning
        If these are fewer than 16 bits, such as those of a 12-bit camera.
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
    """Return True if more of `images` than outliers are outside the range."""
    return _mostly_outside(images.flatten(), taken) or not bool(images.isfinite().all())


def warn_of_range(images: Tensor, taken: Range, what: str) -> None:
    """Warn if numbers of `images` are clipped, or fill so little of a range that it is unlikely.

    Warns
    -----
    DataWarning
        Names the unlikely decision and the option that overrides it.
    """
    outside = _outside(images, taken)
    low, high = (value.item() for value in images.aminmax())
    if count := int(outside.sum()):
        warn_of_data(
            Message(
                "{count} of the {n} numbers of {what} are outside the range {taken} that the others have, from {low:g} "
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
                "nearly all numbers of {what} are from {lower:g} to {upper:g}, a small part of the range {taken} that "
                "they are taken for: the images train nearly without contrast; if those numbers are black and white, "
                "pass value_range=({lower:g}, {upper:g}); if they were divided twice, divide once",
                what=what,
                lower=lower,
                upper=upper,
                taken=_written(taken),
            )
        )


def _looked_at(images: Tensor) -> Tensor:
    """Return numbers of `images`, all or :data:`LOOKED_AT`; the selection is deterministic."""
    flat = images.flatten()
    if len(flat) <= LOOKED_AT:
        return flat
    return flat[torch.randint(len(flat), (LOOKED_AT,), generator=seeded(0, "range of images"))]


def _share(which: Tensor) -> float:
    return float(which.double().mean()) if which.numel() else 0.0


def _is_mask(values: Tensor) -> bool:
    """Return True if nearly all integers are 0 or 1, and most nonzero ones are 1; False for zeros alone."""
    others = values[values != 0]
    strange = int((others != 1).sum())
    return len(others) > 0 and strange <= OUTLIERS * len(values) and strange <= STRANGE * len(others)


def _is_signed(values: Tensor) -> bool:
    """Return True if the negative `values` are more than outliers or overshoot."""
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
    """Return the :data:`OUTLIERS` quantiles of `values` at both ends."""
    ordered = values.double().sort().values
    cut = int(OUTLIERS * len(ordered))
    return ordered[cut].item(), ordered[len(ordered) - 1 - cut].item()


def _filled(values: Tensor) -> Range:
    """Return the range of `values`, with a background of one number (the median) counted once."""
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
