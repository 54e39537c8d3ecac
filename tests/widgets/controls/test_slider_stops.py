"""Stops of sliders: round values, all distinct, exact ends, zero at the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwidgets.settings import SETTINGS, IntSetting, NumberSetting
from ganwidgets.widgets.controls.slider_stops import SliderStops
from ganwidgets.widgets.panels.transport.panel import SPEED

NUMBERS = {name: setting for name, setting in SETTINGS.items() if isinstance(setting, NumberSetting)}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_detent_is_an_allowed_value_and_the_range_is_covered(name):
    setting = NUMBERS[name]
    values = SliderStops(setting).values
    assert [setting.check(value) for value in values] == list(values)
    assert sorted(set(values)) == list(values)
    assert values[-1] == setting.slider[1]
    assert setting.slider[0] in values
    assert len(values) <= 250


@pytest.mark.parametrize("name", NUMBERS)
def test_the_nearest_stop_of_a_stop_is_itself(name):
    detents = SliderStops(NUMBERS[name])
    assert [detents.nearest(value) for value in detents.values] == list(range(len(detents.values)))


@given(st.sampled_from(sorted(NUMBERS)), st.floats(0, 1), st.floats(0, 1))
def test_stops_increase_from_left_to_right(name, one, other):
    setting = NUMBERS[name]
    low, high = (setting.min + share * (setting.max - setting.min) for share in sorted((one, other)))
    detents = SliderStops(setting)
    assert detents.nearest(low) <= detents.nearest(high)


def test_zero_is_left_of_the_smallest_value_where_zero_has_a_meaning():
    assert SliderStops(SETTINGS["weight_decay"]).values[:2] == (0.0, 1e-6)
    assert 0 not in SliderStops(SETTINGS["lr_d"]).values
    assert SliderStops(SETTINGS["lr_d"]).nearest(0.0) == 0


def test_no_speed_limit_is_at_the_fast_end():
    detents = SliderStops(SPEED, "high")
    assert detents.values[-2:] == (1000.0, 0.0)
    assert detents.nearest(0.0) == len(detents.values) - 1
    assert detents.nearest(5e5) == len(detents.values) - 2


def test_values_beyond_the_slider_are_at_its_ends():
    detents = SliderStops(SETTINGS["lr_d"])
    assert detents.nearest(10) == len(detents.values) - 1
    assert detents.nearest(1e-9) == 0


def test_whole_numbers_stay_integers_and_include_powers_of_two():
    values = SliderStops(SETTINGS["batch_size"]).values
    assert isinstance(SETTINGS["batch_size"], IntSetting)
    assert all(isinstance(value, int) for value in values)
    assert {2**k for k in range(11)} <= set(values)
