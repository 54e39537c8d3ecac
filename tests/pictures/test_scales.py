"""Round numbers for axes, whatever the numbers."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ganwidgets.pictures.scales import LARGEST, comfortable_limits, nice_ticks

ENDS = st.lists(st.floats(-1e270, 1e270), min_size=2, max_size=2).map(sorted)


@given(ENDS)
def test_the_limits_hold_what_must_be_seen(ends):
    low, high = comfortable_limits(*ends)
    slack = 1e-6 * (high - low)
    assert low <= ends[0] + slack
    assert high >= ends[1] - slack
    assert low < high


@given(st.floats(), st.floats())
def test_the_limits_are_always_numbers(one, other):
    low, high = comfortable_limits(*sorted((one, other)))
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low < high
    assert max(abs(low), abs(high)) <= 10 * LARGEST


def test_limits_start_at_zero_where_that_costs_little():
    assert comfortable_limits(0.3, 1.21) == (0.0, 1.3)
    assert comfortable_limits(0.93, 0.98)[0] > 0.9


def test_limits_stay_while_they_fit():
    assert comfortable_limits(0.1, 0.8, (0.0, 1.0)) == (0.0, 1.0)
    assert comfortable_limits(0.1, 1.8, (0.0, 1.0)) != (0.0, 1.0)
    assert comfortable_limits(0.0, 0.1, (0.0, 1.0)) != (0.0, 1.0)
    assert comfortable_limits(math.nan, 1.0, (0.0, 1.0)) == (0.0, 1.0)


@given(ENDS)
def test_ticks_are_few_ascending_and_within(ends):
    ticks = nice_ticks(*ends)
    assert len(ticks) <= 12
    assert ticks == sorted(set(ticks))
    slack = 1e-6 * (ends[1] - ends[0])
    assert all(ends[0] - slack <= tick <= ends[1] + slack for tick in ticks)


def test_no_ticks_where_there_is_no_range():
    assert nice_ticks(1, 1) == []
    assert nice_ticks(0, math.inf) == []
