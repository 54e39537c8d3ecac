"""The texts of the walk panel for each sub-step."""

from __future__ import annotations

import pytest

import ganwidgets as gw
from ganwidgets.messages import catalog
from ganwidgets.widgets.panels.walk.panel import sentence_on, spelled_pair

SMALL = {"batch_size": 16, "g_hidden": (8,), "d_hidden": (8,), "seed": 1}


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("chosen", [{}, {"skip_d_below": 10.0}, {"freeze_d": True}, {"loss": "relativistic"}])
def test_every_sub_step_has_a_sentence_with_its_numbers(locale, chosen):
    walk = gw.GANTrainer("ring8", **SMALL, **chosen).walk()
    sentences = []
    while (step := walk.next()) is not None:
        sentences.append(f"{step.network}: {sentence_on(step, catalog(locale))}")
        assert "{" not in sentences[-1]
        if step.stage == "loss":
            assert f"{step.loss:.3g}".lstrip("-") in sentences[-1]
    assert len(set(sentences)) == len(sentences)


def test_two_close_losses_get_enough_digits_to_differ():
    assert spelled_pair(1.38401, 1.38402) == ("1.38401", "1.38402")
    assert spelled_pair(1.3, 1.2) == ("1.3", "1.2")
    assert spelled_pair(1.25, 1.25) == ("1.25", "1.25")


def test_a_teacher_can_hide_the_panel_or_show_it_alone():
    w = gw.GANTrainerWidget("ring8", controls=("step_d",), **SMALL)
    try:
        hidden = [w._dashboard.walk.widget, w._dashboard.transport.count]
        assert all("gw-hidden" in part._dom_classes for part in hidden)
        w.controls = ("walk",)
        assert "gw-hidden" not in w._dashboard.walk.widget._dom_classes
        assert "gw-hidden" in w._dashboard.transport.count._dom_classes
    finally:
        w.close()


def test_the_panel_follows_the_walk_and_shows_its_end():
    w = gw.GANTrainerWidget("ring8", locale="en", **SMALL)
    try:
        plane = w._dashboard._pictures["plane"].view
        shown = dict(plane.layers)
        w._hands.walk("begin", "both")
        w.wait()
        scene = w._dashboard.walk.view.scene
        assert (scene["stage"], scene["network"]) == ("noise", "discriminator")
        assert len(scene["noise"]) == 16
        assert plane.layers["gradients"]
        w.lr_d = 0.01
        w.wait()
        assert w._dashboard.walk.view.scene["stage"] == ""
        assert "over" in w._dashboard.walk.view.scene["note"]
        assert plane.layers == shown
    finally:
        w.close()


@pytest.fixture
def interrupted():
    """A widget whose walk was ended by a changed setting and shows the note about it."""
    w = gw.GANTrainerWidget("ring8", locale="en", **SMALL)
    w._hands.walk("begin", "both")
    w.wait()
    w.lr_d = 0.01
    w.wait()
    assert "over" in note_of(w)
    yield w
    w.close()


def note_of(w):
    return w._dashboard.walk.view.scene["note"]


def test_the_note_that_a_walk_is_over_vanishes_when_the_run_moves(interrupted):
    interrupted.step()
    interrupted.wait()
    assert note_of(interrupted) == ""


def test_the_note_that_a_walk_is_over_vanishes_with_the_panel(interrupted):
    interrupted.panels = [name for name in interrupted.panels if name != "walk"]
    interrupted.panels = [*interrupted.panels, "walk"]
    interrupted.wait()
    assert note_of(interrupted) == ""


def test_a_user_who_leaves_a_walk_gets_no_note():
    w = gw.GANTrainerWidget("ring8", locale="en", **SMALL)
    try:
        view = w._dashboard.walk.view
        for move in ("begin", "leave"):
            view._on_message(view, {"move": move, "network": "both"}, [])
            w.wait()
        assert view.scene["stage"] == view.scene["note"] == ""
    finally:
        w.close()
