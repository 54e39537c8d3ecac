"""Axes of the plane: names, and ticks in the units of the data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ganwidgets.data.source import Source
from ganwidgets.rendering.drawing.axis_ticks import nice_ticks

__all__ = ["UNNAMED", "Axis", "axes_of", "unnamed_axes"]

DISTINCT = 1e-4
"""Relative distance of two ticks below which labels are relative to the first tick."""

LETTERS = 5
"""Maximum length of a label beside the plane."""


@dataclass(frozen=True)
class Axis:
    """One axis of the plane. Position z means center + scale * z in the unit of the data.

    Attributes
    ----------
    name : str
        Name of the column, or ``"x"``; empty if positions have no unit.
    center, scale : float
        See above; a scale of 0 is that of a constant column.
    named : bool
        True if the name is from the user's table.
    """

    name: str
    center: float = 0.0
    scale: float = 1.0
    named: bool = False

    def ticks(self, low: float, high: float) -> list[tuple[float, str]]:
        """Return positions from `low` to `high` with round values, and their labels."""
        if not self.name:
            return []
        if self.scale == 0:
            return [(0.0, f"{self.center:g}")]
        values, base, power = self._values(low, high)
        return [
            ((value - self.center) / self.scale, f"{(value - base) / 10.0**power:.6g}") for value in values
        ]

    def title(self, low: float, high: float) -> str:
        """Return the column name and the scaling of the labels between `low` and `high`: (value - base) / 1e power.

        Empty if there is no name and the labels are unscaled.
        """
        if not self.name or self.scale == 0:
            return self.name if self.named else ""
        _, base, power = self._values(low, high)
        offset = f" \N{MINUS SIGN} {base:.12g}" if base else ""
        unit = f" (1e{power})" if power else ""
        return f"{self.name}{offset}{unit}" if self.named or offset or unit else ""

    def _values(self, low: float, high: float) -> tuple[list[float], float, int]:
        """Return round values, the base of their labels, and the power of ten of the labels."""
        values = nice_ticks(self.center + self.scale * low, self.center + self.scale * high)
        close = len(values) > 1 and values[1] - values[0] <= DISTINCT * max(map(abs, values))
        base = values[0] if close else 0.0
        offsets = [value - base for value in values]
        long = any(len(f"{offset:.6g}") > LETTERS for offset in offsets)
        power = 3 * math.floor(math.log10(max(map(abs, offsets))) / 3) if long else 0
        return values, base, power


UNNAMED = (Axis("x"), Axis("y"))
"""Axes of points that are not standardized."""


def unnamed_axes(features: int) -> tuple[Axis, ...]:
    """Return the axes of samples with `features` numbers that are not standardized."""
    if features > 2:
        return Axis("PC 1"), Axis("PC 2")
    return (Axis("x"), Axis("")) if features == 1 else UNNAMED


def axes_of(source: Source) -> tuple[Axis, ...]:
    """Return the horizontal and vertical axis of samples of `source`."""
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
