"""The common size of a folder's pictures, decided by the majority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from statistics import median

__all__ = ["LARGEST_SIDE", "Size", "common_size", "outliers"]

Size = tuple[int, int]
"""Width and height, in pixels."""

LARGEST_SIDE = 64
"""Pixels; larger pictures are reduced unless the user passed a size."""

TINY = 4
"""Ratio of the usual shorter side to an outlier's shorter side, at least."""

FEW = 1 / 3
"""Maximum share of outliers; if there are more, none is an outlier."""


def outliers(sizes: Sequence[Size]) -> list[int]:
    """Return the indices of pictures that are far too small, such as spacers of one pixel.

    The usual shorter side is the median of all, at most :data:`LARGEST_SIDE`.
    """
    usual = min(LARGEST_SIDE, median(min(size) for size in sizes))
    tiny = [index for index, size in enumerate(sizes) if TINY * min(size) < usual]
    return tiny if len(tiny) <= FEW * len(sizes) else []


def common_size(sizes: Collection[Size]) -> Size:
    """Return the size for pictures of `sizes`, without the outliers.

    It is the most frequent size if nearly all have it and it is at most :data:`LARGEST_SIDE` a side. Otherwise it is a
    square of the smallest side, at most :data:`LARGEST_SIDE`.
    """
    (usual, count), *_ = sorted(Counter(sizes).items(), key=lambda each: (-each[1], each[0]))
    if max(usual) <= LARGEST_SIDE and len(sizes) - count <= FEW * len(sizes):
        return usual
    side = min(LARGEST_SIDE, *(min(size) for size in sizes))
    return side, side
