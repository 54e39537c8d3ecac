"""The axes of the plane on which points are drawn: their names, and ticks in the units of the data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ganwidgets.data.source import Source
from ganwidgets.rendering.axis_ticks import nice_ticks

__all__ = ["UNNAMED", "Axis", "axes_of"]

DISTINCT = 1e-4
"""Distance of two ticks, divided by their size, below which labels count from the first tick."""


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
        values = nice_ticks(*self._values(low, high))
        base = self._base(values)
        sign = "" if base is None else "+"
        return [((value - self.center) / self.scale, f"{sign}{value - (base or 0.0):g}") for value in values]

    def title(self, low: float, high: float) -> str:
        """Return the name, with the number that the labels between `low` and `high` count from, if any."""
        base = None if self.scale == 0 else self._base(nice_ticks(*self._values(low, high)))
        return self.name if base is None else f"{self.name} \N{MINUS SIGN} {base:.12g}"

    def _values(self, low: float, high: float) -> tuple[float, float]:
        return self.center + self.scale * low, self.center + self.scale * high

    @staticmethod
    def _base(values: list[float]) -> float | None:
        if len(values) < 2 or values[1] - values[0] > DISTINCT * max(map(math.fabs, values)):
            return None
        return values[0]


UNNAMED = (Axis("x"), Axis("y"))
"""Of points that train as they are."""


def axes_of(source: Source) -> tuple[Axis, ...]:
    """Return what the plane's axes say, across and up, of samples of `source`."""
    if source.kind == "images" or source.shape[0] > 2:
        return Axis("PC 1"), Axis("PC 2")
    names, columns = source.column_names, source.standardization
    axes = [
        Axis(
            names[place] if names else "xy"[place],
            *((columns.centers[place], columns.scales[place]) if columns else (0.0, 1.0)),
            named=names is not None,
        )
        for place in range(source.shape[0])
    ]
    return axes[0], axes[1] if len(axes) > 1 else Axis("")
