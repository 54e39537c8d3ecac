"""The axes of the plane on which points are drawn: their names, and ticks in the units of the data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ganwidgets.data.source import Source
from ganwidgets.rendering.axis_ticks import nice_ticks

__all__ = ["UNNAMED", "Axis", "axes_of", "unnamed_axes"]

DISTINCT = 1e-4
"""Distance of two ticks, divided by their size, below which labels count from the first tick."""

LETTERS = 5
"""Letters of a label that have room beside the plane."""


@dataclass(frozen=True)
class Axis:
    """One axis of the plane. A place z on it means center + scale * z in the unit of the data.

    Attributes
    ----------
    name : str
        Of the column, or ``"x"``; empty where the place means nothing.
    center, scale : float
        See above; a scale of 0 is that of a constant column.
    named : bool
        Whether the user's table has this name.
    """

    name: str
    center: float = 0.0
    scale: float = 1.0
    named: bool = False

    def ticks(self, low: float, high: float) -> list[tuple[float, str]]:
        """Return places from `low` to `high` whose values are round numbers, with labels."""
        if not self.name:
            return []
        if self.scale == 0:
            return [(0.0, f"{self.center:g}")]
        values, base, power = self._values(low, high)
        return [
            ((value - self.center) / self.scale, f"{(value - base) / 10.0**power:.6g}") for value in values
        ]

    def title(self, low: float, high: float) -> str:
        """Return the name of a column, and what the labels between `low` and `high` mean: (value - base) / 1e power.

        Empty where a name says nothing and the labels are the values.
        """
        if not self.name or self.scale == 0:
            return self.name if self.named else ""
        _, base, power = self._values(low, high)
        offset = f" \N{MINUS SIGN} {base:.12g}" if base else ""
        unit = f" (1e{power})" if power else ""
        return f"{self.name}{offset}{unit}" if self.named or offset or unit else ""

    def _values(self, low: float, high: float) -> tuple[list[float], float, int]:
        """Return round values, the number that their labels count from, and the power of ten that these are in."""
        values = nice_ticks(self.center + self.scale * low, self.center + self.scale * high)
        close = len(values) > 1 and values[1] - values[0] <= DISTINCT * max(map(abs, values))
        base = values[0] if close else 0.0
        offsets = [value - base for value in values]
        long = any(len(f"{offset:.6g}") > LETTERS for offset in offsets)
        power = 3 * math.floor(math.log10(max(map(abs, offsets))) / 3) if long else 0
        return values, base, power


UNNAMED = (Axis("x"), Axis("y"))
"""Of points that train as they are."""


def unnamed_axes(features: int) -> tuple[Axis, ...]:
    """Return the axes of samples of so many numbers that train as they are."""
    if features > 2:
        return Axis("PC 1"), Axis("PC 2")
    return (Axis("x"), Axis("")) if features == 1 else UNNAMED


def axes_of(source: Source) -> tuple[Axis, ...]:
    """Return what the plane's axes say, across and up, of samples of `source`."""
    features = math.prod(source.shape)
    axes = unnamed_axes(features)
    if features > 2:
        return axes
    names, columns = source.column_names, source.standardization
    for place in range(features):
        here = axes[place]
        if names is not None:
            here = replace(here, name=names[place], named=True)
        if columns is not None:
            here = replace(here, center=columns.centers[place], scale=columns.scales[place])
        axes = (*axes[:place], here, *axes[place + 1 :])
    return axes
