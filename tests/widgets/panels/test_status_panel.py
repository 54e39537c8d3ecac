"""The status line and the error box."""

from __future__ import annotations

import math

import pytest
from moments import points_frame

from ganwidgets.errors import DivergedError
from ganwidgets.messages import Message
from ganwidgets.rendering.drawing.phrases import STATES
from ganwidgets.widgets.panels.status.panel import StatusPanel


@pytest.fixture
def panel(english):
    return StatusPanel(english)


def line(panel):
    return panel.widget.children[0].value


def trouble(panel):
    return panel.widget.children[1].value


def test_it_has_its_class_and_shows_ready_at_once(panel):
    assert "gw-status" in panel.widget._dom_classes
    assert "ready" in line(panel)


def test_the_numbers_of_the_frame_are_shown(panel):
    panel.draw(points_frame())
    text = line(panel).replace("\N{NARROW NO-BREAK SPACE}", "")
    for expected in ('role="status"', "running", "1234", "812", "1.200", "0.700", "75%", "50%"):
        assert expected in text


@pytest.mark.parametrize("status", STATES)
def test_every_status_has_a_text(panel, english, status):
    panel.draw(points_frame(status=status))
    assert english(STATES[status]) in line(panel)


def test_unknown_and_non_finite_numbers_are_shown_as_such(panel):
    panel.draw(points_frame(record={"loss_d": math.nan, "loss_g": math.inf}, steps_per_second=0.0))
    assert "nan" in line(panel)
    assert "inf" in line(panel)
    assert line(panel).count("\N{EN DASH}") == 3


def test_an_error_is_shown_with_its_remedy(panel):
    panel.report("diverged", DivergedError(Message("loss_d is {value}", value="nan"), 7))
    text = trouble(panel)
    assert 'role="alert"' in text
    assert "loss_d is nan" in text
    assert "Recover" in text


def test_text_of_the_user_is_escaped(panel):
    panel.report("error", RuntimeError("<script>alert(1)</script>"))
    assert "<script>" not in trouble(panel)
    assert "&lt;script&gt;" in trouble(panel)


def test_the_error_box_closes_when_the_error_is_resolved(panel):
    panel.report("error", RuntimeError("no"))
    panel.report("paused", None)
    assert trouble(panel) == ""


def test_a_frame_of_a_continuing_run_closes_the_error_box(panel):
    panel.report("error", RuntimeError("no"))
    panel.draw(points_frame(status="running"))
    assert trouble(panel) == ""


def test_an_undecided_d_is_neither_right_nor_wrong(english):
    panel = StatusPanel(english)
    panel.draw(points_frame(signs={"undecided": 0.5}))
    assert "75%" in panel._line.value
    panel.draw(points_frame(signs={"undecided": 0.99}))
    assert panel._line.value.count(">undecided<") == 2
    assert "75%" not in panel._line.value


def test_decisions_about_the_users_data_are_shown(panel):
    panel.draw(points_frame())
    assert "gw-cell-data" not in line(panel)
    panel.draw(points_frame(taken_as=Message("points of {features} numbers, unscaled", features="<2>")))
    assert "points of &lt;2&gt; numbers, unscaled" in line(panel)
