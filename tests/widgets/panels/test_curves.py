"""Loss curves: a value that is not finite leaves a gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moments import STEPS, envelope, past, points_frame, record

from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.panels.charts.chart import Chart, Curve, Pen
from ganwidgets.widgets.panels.charts.curves import CurvesPanel


@pytest.fixture
def panel(english):
    return CurvesPanel(english)


def chart(panel):
    return panel._chart


def synced(panel):
    """Return every array that the browser receives."""
    return [array for mark in chart(panel).figure.marks for array in (mark.x, mark.y)]


def test_it_carries_its_class_and_names_both_networks(panel):
    assert "gw-curves" in panel.widget._dom_classes
    legend = panel._head.value
    assert "loss of D" in legend
    assert "loss of G" in legend


def test_the_two_curves_differ_in_dash_as_well_as_colour(panel):
    *_, d, g = chart(panel)._lines
    assert d.line_style != g.line_style
    assert d.colors != g.colors


def test_both_losses_are_drawn_with_their_bands(panel):
    frame = points_frame()
    panel.draw(frame)
    *_, d, g = chart(panel)._lines
    assert np.array_equal(d.y, frame.losses["loss_d"][2])
    assert np.array_equal(g.y, frame.losses["loss_g"][2])
    band, other = chart(panel)._bands.values()
    assert np.array_equal(other.x, frame.losses["loss_g"][0])
    assert (band.y[0] <= d.y).all()
    assert (d.y <= band.y[1]).all()
    assert all(mark.visible for mark in (d, g, band, other))


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_ticks_of_the_x_axis_are_whole_iterations_in_the_drawn_range(first, length):
    chart = Chart([Pen("red")], SharedStyle(), x_label="iteration", y_label="")
    # First the range of another branch, whose ticks must be removed.
    for start, end in ((50_000_000, 60_000_000), (first, first + length)):
        chart.draw([Curve(np.array([start, end], dtype=float), np.array([1.0, 2.0]))])
    ticks = chart._across.tick_values
    assert len(ticks) > 0
    assert all(tick.is_integer() and first <= tick <= first + length for tick in ticks)


def test_the_axes_contain_all_values_and_have_round_ticks(panel):
    panel.draw(points_frame())
    y = chart(panel)._y
    assert y.min <= 0.6
    assert y.max >= 1.3
    assert 0.5 in chart(panel)._up.tick_values
    assert 20 in chart(panel)._across.tick_values


def test_values_that_are_not_finite_leave_a_gap(panel):
    losses = {"loss_d": envelope(1.2, at_3=np.nan, at_4=np.inf, at_5=-np.inf), "loss_g": envelope(0.7)}
    panel.draw(points_frame(losses=losses))
    *_, d, _ = chart(panel)._lines
    assert np.isnan(d.y[3:6]).all()
    assert np.isfinite(np.delete(d.y, [3, 4, 5])).all()
    assert chart(panel)._y.max < 10
    assert not any(np.isinf(array).any() for array in synced(panel))


@pytest.mark.parametrize(
    "column",
    [
        (np.empty(0, int), *(np.empty(0),) * 3),
        (STEPS, *(np.full(50, np.nan),) * 3),
        None,
    ],
)
def test_a_curve_without_finite_values_is_not_drawn_and_no_nan_is_sent(panel, column):
    losses = {"loss_g": envelope(0.7)} | ({} if column is None else {"loss_d": column})
    panel.draw(points_frame(losses=losses))
    *_, d, g = chart(panel)._lines
    assert not d.visible
    assert g.visible
    assert all(np.isfinite(array).all() for array in synced(panel))


def test_before_the_first_step_nothing_is_drawn(panel):
    panel.draw(points_frame(losses={}))
    assert not any(mark.visible for mark in chart(panel).figure.marks)
    assert all(np.isfinite(array).all() for array in synced(panel))


def test_a_single_point_is_drawn(panel):
    one = (np.array([1]), *(np.array([0.7]),) * 3)
    panel.draw(points_frame(losses={"loss_d": one, "loss_g": one}))
    assert chart(panel)._y.min < 0.7 < chart(panel)._y.max


def test_drawing_creates_no_new_widget(panel):
    before = set(chart(panel).figure.marks)
    panel.draw(points_frame())
    panel.draw(points_frame(losses={}))
    assert set(chart(panel).figure.marks) == before


def test_another_branch_is_drawn_in_thin_lines(panel):
    beside = {"loss_d": envelope(0.4), "loss_g": envelope(2.6)}
    panel.draw(points_frame(compared=beside))
    other_d, other_g, _, d, g = chart(panel)._lines
    assert np.array_equal(other_d.y, beside["loss_d"][2])
    assert np.array_equal(other_g.y, beside["loss_g"][2])
    assert other_d.colors == d.colors
    assert other_g.line_style == g.line_style
    assert other_d.stroke_width < d.stroke_width
    assert chart(panel)._y.max >= 2.6
    panel.draw(points_frame())
    assert not other_d.visible
    assert not other_g.visible


def test_changes_on_the_path_are_marked_and_listed(panel):
    records = (
        record(0),
        record(1, setting="freeze_g", old=False, new=True, reason="why not"),
        record(2, iteration=30),
    )
    panel.draw(points_frame(past=past(interventions=records, led_here=records)))
    marks = chart(panel)._marks
    assert marks.visible
    assert marks.x.tolist() == [100, 30]
    assert "0.001 \N{RIGHTWARDS ARROW} 0.0002" in marks.names[0]
    assert "why not" in marks.names[0]
    panel.draw(points_frame(past=past(interventions=records)))
    assert not marks.visible


@pytest.mark.parametrize("where", ["losses", "compared"])
def test_a_spike_does_not_flatten_the_curves_and_is_reported(panel, where):
    calm = {"loss_d": envelope(1.2), "loss_g": envelope(0.7)}
    panel.draw(points_frame(losses=calm))
    before = chart(panel)._y.max
    assert "cut off" not in panel._head.value
    spiked = {"loss_d": envelope(1.2, at_3=40.0), "loss_g": envelope(0.7)}
    panel.draw(points_frame(**{"losses": calm, where: spiked}))
    assert chart(panel)._y.max <= 2 * before
    assert "highest 40, cut off" in panel._head.value


def test_the_penalty_is_drawn_separately(panel):
    losses = {"loss_d": envelope(1.2), "loss_g": envelope(0.7), "penalty_d": envelope(0.3)}
    panel.draw(points_frame(losses=losses))
    penalty = chart(panel)._lines[2]
    assert penalty.visible
    assert np.array_equal(penalty.y, losses["penalty_d"][2])
    assert "of that the penalty" in panel._head.value
    none = (STEPS, *(np.zeros(50),) * 3)
    panel.draw(points_frame(losses={**losses, "penalty_d": none}))
    assert not penalty.visible
    assert "penalty" not in panel._head.value


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_a_logarithmic_axis_has_gaps_at_nonpositive_values_and_counts_them(panel, value):
    panel.choice.choose("log", ())
    losses = {"loss_d": envelope(1.2, at_3=value, at_4=value, at_9=1000.0), "loss_g": envelope(0.7)}
    panel.draw(points_frame(losses=losses))
    *_, d, g = chart(panel)._lines
    assert np.isnan(d.y[3:5]).all()
    assert d.y[9] == pytest.approx(3), "the base-10 logarithm"
    assert np.allclose(g.y, np.log10(losses["loss_g"][2]))
    assert not any(np.isinf(array).any() for array in synced(panel))
    assert "2 values of 0 or less" in panel._head.value
    panel.choice.choose("linear", ())
    panel.draw(points_frame(losses=losses))
    assert np.array_equal(d.y, losses["loss_d"][2])
    assert "values of 0 or less" not in panel._head.value
    assert chart(panel)._up.tick_labels is None


def test_ticks_of_a_logarithmic_axis_are_at_the_logarithms_of_their_values(panel):
    panel.choice.choose("log", ())
    panel.draw(points_frame(losses={"loss_d": envelope(500.0), "loss_g": envelope(0.4)}))
    up = chart(panel)._up
    assert [tick for tick in up.tick_values.tolist() if 0 <= tick <= 2] == [0.0, 1.0, 2.0]
    assert {up.tick_labels[key] for key in ("0", "1", "2")} == {"1", "10", "100"}
    assert len(up.tick_labels) == len(up.tick_values)


def test_a_logarithmic_chart_without_positive_values_is_empty_with_a_note(panel):
    panel.choice.choose("log", ())
    panel.draw(points_frame(losses={"loss_d": envelope(-5.0), "loss_g": envelope(-5.0)}))
    assert not any(mark.visible for mark in chart(panel).figure.marks)
    assert "100 values of 0 or less" in panel._head.value
    assert all(np.isfinite(array).all() for array in synced(panel))


def test_the_user_chooses_the_curves_and_an_empty_choice_restores_the_default(panel):
    frame = points_frame()
    panel.choice.choose("linear", ("loss_g", "accuracy_real", "modes"))
    panel.draw(frame)
    *_, d, g = chart(panel)._lines
    accuracy, modes = chart(panel)._further
    assert (d.visible, g.visible, accuracy.visible, modes.visible) == (False, True, True, True)
    assert np.array_equal(accuracy.y, frame.losses["accuracy_real"][2])
    assert np.array_equal(modes.y, frame.metrics["modes"][1])
    assert chart(panel)._up.label == "", "their units differ"
    assert "loss of D" not in panel._head.value
    assert "accuracy on real" in panel._head.value
    assert panel.choice.tools.shown == ["loss_g", "accuracy_real", "modes"]
    assert {"loss_d", "accuracy_fake", "jensen_shannon"} <= {name for name, _ in panel.choice.tools.offered}
    panel.choice.choose("linear", ())
    panel.draw(frame)
    assert d.visible
    assert not accuracy.visible
    assert chart(panel)._up.label == "loss"
    panel.choice.choose("linear", ("accuracy_real",))
    panel.draw(frame)
    assert chart(panel)._up.label == "share"
    assert chart(panel)._further[0] is accuracy, "lines are made once"
