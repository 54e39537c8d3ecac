import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ganwidgets as gw
from ganwidgets.rendering.plane.axes import Axis, axes_of

RANDOM = np.random.default_rng(0)


@given(
    center=st.floats(-1e9, 1e9),
    scale=st.floats(1e-6, 1e6),
    low=st.floats(-5, -0.5),
    high=st.floats(0.5, 5),
)
def test_ticks_are_in_the_units_of_the_column(center, scale, low, high):
    axis = Axis("x", center, scale)
    marks = axis.ticks(low, high)
    title = axis.title(low, high)
    found = re.fullmatch(r"(?:x(?: \N{MINUS SIGN} (?P<base>[^ ]+))?(?: \((?P<unit>1e[^)]+)\))?)?", title)
    base, unit = float(found["base"] or 0), float(found["unit"] or 1)
    room = 1e-3 * scale * (high - low) + 1e-5 * abs(center) * (base == 0) + 1e-10 * abs(center)
    for place, label in marks:
        assert low - 1e-6 <= place <= high + 1e-6
        assert base + unit * float(label) == pytest.approx(center + scale * place, abs=room)
    assert len({label for _, label in marks}) == len(marks)


def test_axes_have_the_names_and_units_of_the_table():
    table = pd.DataFrame({"year": RANDOM.integers(1990, 2025, 300), "rate": RANDOM.random(300)})
    across, up = axes_of(gw.dataset(table))
    assert (across.name, across.named, up.name) == ("year", True, "rate")
    assert [label for _, label in across.ticks(-1, 1)] == ["2000", "2005", "2010", "2015"]
    assert axes_of(gw.dataset("ring8")) == (Axis("x"), Axis("y"))
    assert [axis.name for axis in axes_of(gw.dataset(RANDOM.random((9, 3))))] == ["PC 1", "PC 2"]
    seconds = axes_of(gw.dataset(1.7e9 + RANDOM.random((300, 1)) * 60))[0]
    assert seconds.ticks(-1, 1)[0][1] == "0"
    assert "17000000" in seconds.title(-1, 1)
    assert axes_of(gw.dataset(table.assign(rate=table.rate * 1e6)))[1].title(-2, 2) == "rate (1e6)"
    constant = axes_of(gw.dataset(table.assign(rate=2024.5)))[1]
    assert constant.ticks(-1, 1) == [(0.0, "2024.5")]
