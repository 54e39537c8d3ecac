"""The timeline panel: the past that it shows, and the requests that it makes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moments import past, points_frame, record

from ganwidgets.messages import catalog
from ganwidgets.rendering.drawing.phrases import described
from ganwidgets.runs.timeline.branch_view import BranchView
from ganwidgets.widgets.panels.timeline.branch_tree import LIMBS, scale_of, tree
from ganwidgets.widgets.panels.timeline.panel import TimelinePanel

OTHER = BranchView(1, "<b>mine</b>", 0, 400, 2000)


class Journeys(list):
    """The requests of a panel; each gets the next ticket."""

    def travel(self, kind, value):
        self.append((kind, value))
        return len(self) - 1

    def compare(self, branch):
        self.append(("compare", branch))

    def go_on(self):
        self.append(("continue", None))


@pytest.fixture
def journeys():
    return Journeys()


@pytest.fixture
def panel(english, journeys):
    return TimelinePanel(english, journeys.travel, journeys.go_on, journeys.compare, None)


def drag(panel, iteration):
    """Return the state that a browser sends when the user drags the slider."""
    panel.scrubber.set_state({"value": iteration})


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_scale_contains_everything_and_grows_only_if_needed(one, other):
    low, high = sorted((one, other))
    assert low <= scale_of(low) <= scale_of(high)
    assert scale_of(low) <= max(100, 2 * low)


def test_the_tree_has_a_line_for_each_branch_and_escapes_their_names(english):
    shown = tree(past(OTHER), english)
    assert "<b>mine" not in shown
    assert shown.count('class="gw-limb ') == 2
    assert 'data-gw-go="switch:&lt;b&gt;mine&lt;/b&gt;"' in shown
    assert "left:20.00%" in shown, "it leaves its parent at 400 of 2000"
    assert "width:80.00%" in shown


def test_changes_at_one_iteration_are_one_mark_with_all_their_texts(english):
    records = (
        record(3, reason="<script>"),
        record(4, setting="loss", old="hinge", new="wasserstein"),
        record(5, iteration=200),
    )
    shown = tree(past(interventions=records), english)
    assert shown.count('class="gw-mark"') == 2
    assert 'data-gw-go="undo:3"' in shown
    assert 'data-gw-go="undo:5"' in shown
    assert "<script>" not in shown
    assert "Hinge" in shown


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize(
    "about",
    [
        {},
        {"setting": "step_d", "old": None, "new": 3},
        {"setting": "reset", "old": None, "new": 7, "author": "cell"},
        {"setting": "g_hidden", "old": (64,), "new": (8, 8), "author": "rule"},
        {"setting": "freeze_d", "old": False, "new": True},
        {"setting": "data", "old": "ring8", "new": "<ndarray>"},
    ],
)
def test_every_kind_of_intervention_has_a_sentence(about, locale):
    sentence = described(record(0, **about), catalog(locale))
    assert "{" not in sentence
    assert str(about.get("new", 2e-4)).strip("<>") in sentence or about.get("setting") in {
        "g_hidden",
        "freeze_d",
    }


def test_with_too_many_branches_those_on_the_current_path_are_shown(english):
    others = [BranchView(number, f"branch {number}", 0, 10 * number, 2000) for number in range(1, 40)]
    shown = tree(past(*others, branch=3, lineage=frozenset({0, 3})), english)
    assert shown.count('class="gw-limb ') == LIMBS
    for name in ("main", "branch 3", "branch 39"):
        assert f">{name}</span>" in shown


def test_dragging_requests_the_iteration_within_the_branch(panel, journeys):
    panel.draw(points_frame(past=past(OTHER, first=10)))
    assert panel.scrubber.max == 2000
    for iteration in (700, 1900, 0):
        drag(panel, iteration)
    assert journeys == [("goto", 700), ("goto", 1234), ("goto", 10)]


def test_drawing_does_not_move_the_slider_during_a_drag(panel):
    panel.draw(points_frame(past=past()))
    drag(panel, 700)
    drag(panel, 650)
    panel.arrived(0)
    panel.draw(points_frame(past=past(iteration=700, at_tip=False)))
    assert panel.scrubber.value == 650
    panel.arrived(1)
    panel.draw(points_frame(past=past(iteration=650, at_tip=False)))
    drag(panel, 640)
    panel.arrived(2, "it cannot be reached")
    panel.draw(points_frame(past=past(iteration=650, at_tip=False)))
    assert panel.scrubber.value == 650
    assert "it cannot be reached" in panel._message.value


def test_continue_is_offered_in_the_past_and_undo_after_a_change(panel, journeys):
    panel.draw(points_frame())
    assert panel.buttons["continue"].disabled
    assert panel.buttons["undo"].disabled
    panel.draw(points_frame(past=past(iteration=3, at_tip=False, interventions=(record(0),))))
    assert not panel.buttons["continue"].disabled
    assert not panel.buttons["undo"].disabled
    assert re.search("new branch", panel._message.value)
    for button in panel.buttons.values():
        button.click()
    assert journeys == [("continue", None), ("fork", ""), ("undo", None)]


def test_branches_are_chosen_and_compared(panel, journeys):
    panel.draw(points_frame(past=past(OTHER)))
    assert journeys == [], "what the kernel writes is no wish"
    panel.branch.set_state({"index": 1})
    panel.compare.set_state({"index": 2})
    panel.compare.set_state({"index": 0})
    panel.fork_name.set_state({"value": "calm"})
    panel.buttons["fork"].click()
    assert journeys == [
        ("switch", OTHER.name),
        ("compare", OTHER.name),
        ("compare", None),
        ("fork", "calm"),
    ]
    assert panel.fork_name.value == ""


def test_clicks_in_the_tree_travel_to_their_target_and_invalid_ones_are_ignored(panel, journeys):
    for where in ("switch:a:b", "undo:12", "undo:x", "goto:3", ""):
        panel.go(where)
    assert journeys == [("switch", "a:b"), ("undo", 12)]


def test_a_stored_run_can_be_verified_and_the_result_is_escaped(english, journeys):
    asked = []
    panel = TimelinePanel(
        english, journeys.travel, journeys.go_on, journeys.compare, lambda: asked.append(True)
    )
    panel.buttons["verify"].click()
    assert asked == [True]
    panel.verified("under way", over=False)
    assert panel.buttons["verify"].disabled
    panel.verified("differs on <b>", over=True)
    assert not panel.buttons["verify"].disabled
    assert "differs on &lt;b&gt;" in panel._verdict.value
