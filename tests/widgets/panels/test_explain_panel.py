from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ganwidgets as gw
from ganwidgets.widgets.panels.sentences.explain import spike_near


@pytest.fixture(scope="module")
def widget():
    made = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16, locale="en")
    made.step(40)
    made.wait()
    yield made
    made.close()


def test_a_click_on_the_losses_explains_the_spike_there(widget):
    panel = widget._dashboard.explain
    before = widget.trainer.state_hash()
    widget._dashboard.curves.draw(widget._camera.take())
    widget._dashboard.heartbeat._go("explain:0.5")
    widget._tasks.settle()
    assert 19 <= panel.iteration.value <= 22
    assert f"Iteration {panel.iteration.value}" in panel._shown.value
    assert "<svg" in panel._shown.value
    assert widget.trainer.state_hash() == before
    panel.close.click()
    assert panel._shown.value == ""


def test_a_click_is_converted_to_an_iteration_also_beside_a_longer_branch():
    widget = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16, locale="en")
    widget.step(60)
    widget.wait()
    widget.trainer.timeline.goto(20)
    widget.trainer.step(10)
    longer = next(iter(widget.trainer.timeline.branches))
    widget._camera.request = replace(widget._camera.request, compared=longer)
    widget._dashboard.curves.draw(widget._camera.take())
    widget._dashboard.heartbeat._go("explain:0.25")
    assert 14 <= widget._dashboard.explain.iteration.value <= 17
    widget._dashboard.heartbeat._go("explain:1")
    assert widget._dashboard.explain.iteration.value >= 29
    widget.close()


def test_invalid_messages_of_a_page_are_ignored(widget):
    panel = widget._dashboard.explain
    asked = panel.iteration.value
    widget._dashboard.heartbeat._go("explain:<b>")
    assert panel.iteration.value == asked


def test_an_iteration_that_does_not_exist_shows_an_error(widget):
    panel = widget._dashboard.explain
    panel.iteration.value = 4000
    panel.start.click()
    widget._tasks.settle()
    assert "4000" in panel._sentences.message.value


def test_a_note_is_stored_with_the_run(widget):
    panel = widget._dashboard.explain
    panel.iteration.value, panel.text.value = 7, "<here>"
    panel.note.click()
    widget._tasks.settle()
    assert [(note.iteration, note.text) for note in widget.trainer.notes] == [(7, "<here>")]
    assert "&lt;here&gt;" in panel._sentences.message.value
    panel.note.click()
    widget._tasks.settle()
    assert len(widget.trainer.notes) == 1


@given(spike=st.integers(0, 199), shift=st.integers(-4, 4))
def test_the_spike_near_a_click_is_found(spike, shift):
    noise = np.random.default_rng(0).normal(size=200)
    noise[spike] = 50.0
    assert spike_near([np.zeros(200), noise], spike + 1 + shift) == spike + 1
