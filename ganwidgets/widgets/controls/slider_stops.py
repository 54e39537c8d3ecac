"""The round values at which a slider stops; the slider itself has integer positions only.

In a browser, ipywidgets' own logarithmic slider moves any value it is given to its nearest step and
reports that as if the user had moved it; a cell's ``w.lr_d = 3e-4`` would come back as 3.2e-4. The position
in a list of values is an integer, which no browser rounds.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from ganwidgets.settings import IntSetting, NumberSetting

__all__ = ["SliderStops"]

PER_DECADE = 20
PER_OCTAVE = 4
LINEAR = 50
"""Approximate number of values in each decade, each doubling, or a linear slider."""


class SliderStops:
    """The values of a number's slider, from left to right.

    Parameters
    ----------
    setting : NumberSetting
        Determines scale and range.
    zero_end : {"low", "high"}
        The end of the special value 0, if it has a special meaning.

    Attributes
    ----------
    values : tuple of float or int
        Ascending, except for a 0 at the high end.
    """

    def __init__(self, setting: NumberSetting[Any], zero_end: Literal["low", "high"] = "low") -> None:
        low, high = setting.slider
        self._logarithmic = setting.scale == "logarithmic"
        kind = int if isinstance(setting, IntSetting) else float
        between = self._along(low, high, whole=kind is int)
        values = sorted({kind(low), kind(high), *(kind(value) for value in between)})
        values = [value for value in values if low <= value <= high]
        if setting.zero and setting.min == 0:
            values = [value for value in values if value != 0]
            values = [kind(0), *values] if zero_end == "low" else [*values, kind(0)]
        self.values: tuple[Any, ...] = tuple(values)

    def nearest(self, value: float) -> int:
        """Return the position of the stop nearest to `value`."""
        if value in self.values:
            return self.values.index(value)
        return min(range(len(self.values)), key=lambda place: self._distance(self.values[place], value))

    def _distance(self, one: float, other: float) -> float:
        if self._logarithmic:
            # 0 is below all other values; a special 0 was handled above.
            one, other = (math.log(value) if value > 0 else -1e9 for value in (one, other))
        return abs(one - other)

    def _along(self, low: float, high: float, *, whole: bool) -> list[float]:
        """Return round values from `low` to `high`."""
        if not self._logarithmic:
            step = 1.0 if whole else 10.0 ** math.floor(math.log10((high - low) / LINEAR))
            count = round((high - low) / step)
            return [round(low + place * step, 10) for place in range(count + 1)]
        if whole and math.log2(high).is_integer():
            count = round(PER_OCTAVE * math.log2(high / low))
            return [round(low * 2 ** (place / PER_OCTAVE)) for place in range(count + 1)]
        count = round(PER_DECADE * math.log10(high / low))
        exact = [low * 10 ** (place / PER_DECADE) for place in range(count + 1)]
        return [round(value) if whole and value < 10 else float(f"{value:.2g}") for value in exact]
