"""The status line and the box of trouble."""

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


def test_it_carries_its_class_and_says_ready_at_once(panel):
    assert "gw-status" in panel.widget._dom_classes
    assert "ready" in line(panel)


def test_the_numbers_of_the_frame(panel):
    panel.draw(points_frame())
    text = line(panel).replace("\N{NARROW NO-BREAK SPACE}", "")
    for expected in ('role="status"', "running", "1234", "812", "1.200", "0.700", "75%", "50%"):
        assert expected in text


@pytest.mark.parametrize("status", STATES)
def test_every_status_has_words(panel, english, status):
    panel.draw(points_frame(status=status))
    assert english(STATES[status]) in line(panel)


def test_what_is_not_known_or_not_finite_is_said_so(panel):
    panel.draw(points_frame(record={"loss_d": math.nan, "loss_g": math.inf}, steps_per_second=0.0))
    assert "nan" in line(panel)
    assert "inf" in line(panel)
    assert line(panel).count("\N{EN DASH}") == 3


def test_trouble_says_what_happened_and_what_can_be_done(panel):
    panel.report("diverged", DivergedError(Message("loss_d is {value}", value="nan"), 7))
    text = trouble(panel)
    assert 'role="alert"' in text
    assert "loss_d is nan" in text
    assert "Recover" in text


def test_what_people_supplied_reaches_the_page_escaped(panel):
    panel.report("error", RuntimeError("<script>alert(1)</script>"))
    assert "<script>" not in trouble(panel)
    assert "&lt;script&gt;" in trouble(panel)


def test_it_ends_with_the_trouble(panel):
    panel.report("error", RuntimeError("no"))
    panel.report("paused", None)
    assert trouble(panel) == ""


def test_a_frame_of_a_run_that_goes_on_closes_the_box(panel):
    panel.report("error", RuntimeError("no"))
    panel.draw(points_frame(status="running"))
    assert trouble(panel) == ""


def test_a_d_that_decides_nothing_is_neither_right_nor_wrong(english):
    panel = StatusPanel(english)
    panel.draw(points_frame(signs={"undecided": 0.5}))
    assert "75%" in panel._line.value
    panel.draw(points_frame(signs={"undecided": 0.99}))
    assert panel._line.value.count(">undecided<") == 2
    assert "75%" not in panel._line.value


def test_what_was_decided_about_own_data_is_shown(panel):
    panel.draw(points_frame())
    assert "gw-cell-data" not in line(panel)
    panel.draw(points_frame(taken_as=Message("points of {features} numbers, unscaled", features="<2>")))
    assert "points of &lt;2&gt; numbers, unscaled" in line(panel)
