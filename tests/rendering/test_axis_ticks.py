"""Axis limits and ticks are round numbers for any data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwidgets.rendering.drawing.axis_ticks import LARGEST, comfortable_limits, nice_ticks, typical_range

ENDS = st.lists(st.floats(-1e270, 1e270), min_size=2, max_size=2).map(sorted)


@given(ENDS)
def test_the_limits_contain_the_required_values(ends):
    low, high = comfortable_limits(*ends)
    slack = 1e-6 * (high - low)
    assert low <= ends[0] + slack
    assert high >= ends[1] - slack
    assert low < high


@given(st.floats(), st.floats())
def test_the_limits_are_always_finite(one, other):
    low, high = comfortable_limits(*sorted((one, other)))
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low < high
    assert max(abs(low), abs(high)) <= 10 * LARGEST


def test_limits_start_at_zero_if_that_costs_little_room():
    assert comfortable_limits(0.3, 1.21) == (0.0, 1.3)
    assert comfortable_limits(0.93, 0.98)[0] > 0.9


def test_limits_are_kept_while_they_fit():
    assert comfortable_limits(0.1, 0.8, (0.0, 1.0)) == (0.0, 1.0)
    assert comfortable_limits(0.1, 1.8, (0.0, 1.0)) != (0.0, 1.0)
    assert comfortable_limits(0.0, 0.1, (0.0, 1.0)) != (0.0, 1.0)
    assert comfortable_limits(math.nan, 1.0, (0.0, 1.0)) == (0.0, 1.0)


@given(ENDS)
def test_ticks_are_few_ascending_and_within_the_limits(ends):
    ticks = nice_ticks(*ends)
    assert len(ticks) <= 12
    assert ticks == sorted(set(ticks))
    slack = 1e-6 * (ends[1] - ends[0])
    assert all(ends[0] - slack <= tick <= ends[1] + slack for tick in ticks)


def test_an_empty_range_has_no_ticks():
    assert nice_ticks(1, 1) == []
    assert nice_ticks(0, math.inf) == []


CURVE = 1.2 + 0.1 * np.sin(np.arange(240))


@pytest.mark.parametrize("spike", [40.0, -40.0, 1e12])
@pytest.mark.parametrize("places", [[3], [3, 100], range(100, 118), [236, 237, 238, 239]])
def test_a_few_outliers_do_not_flatten_the_rest(spike, places):
    values = CURVE.copy()
    values[list(places)] = spike
    low, high = typical_range(values)
    assert low <= CURVE.min() + 0.01
    assert high >= CURVE.max() - 0.01
    assert high - low < 1


def test_values_that_are_no_outliers_are_within_the_limits():
    assert typical_range(CURVE) == (CURVE.min(), CURVE.max())
    steep = np.linspace(30, 1, 240)
    assert typical_range(steep) == (1, 30)
    assert typical_range([5.0, 90.0]) == (5, 90)


def test_outliers_are_judged_by_curve_and_non_finite_values_ignored():
    low, high = typical_range(CURVE, [math.nan], [], [7.0, math.inf])
    assert (low, high) == (CURVE.min(), 7)
    assert all(map(math.isnan, typical_range([], [math.nan])))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_the_range_is_within_the_values(values):
    low, high = typical_range(values)
    assert min(values) <= low <= high <= max(values)
