"""If only a class watches, only its picture is computed. A notebook page that returns gets all panels drawn."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import ganwidgets as gw


@pytest.fixture
def w():
    widget = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16, seed=0)
    yield widget
    widget.close()


class Seen:
    """The frames that a widget took, and the panels that it drew."""

    def __init__(self, w, monkeypatch):
        self.frames, self.panels = [], []
        self.news = threading.Event()
        take = w._camera.take

        def taken(**what):
            self.frames.append(take(**what))
            return self.frames[-1]

        monkeypatch.setattr(w._camera, "take", taken)
        for panel in w._dashboard._panels:
            monkeypatch.setattr(panel, "draw", self.noting(panel))

    def noting(self, panel):
        draw = panel.draw

        def drawn(frame):
            draw(frame)
            self.panels.append((panel.name, frame.iteration))
            self.news.set()

        return drawn

    def wait_for(self, *panels):
        while not set(panels) <= set(self.panels):
            assert self.news.wait(30), f"only {self.panels} were drawn"
            self.news.clear()


def published(w):
    """Wait until the publisher has nothing to draw; do not force a full frame."""
    w._runner.wait()
    state = w._runner.state
    while w._seen is None or w._seen[0] != state.moves or w._seen[-1] != w._again:
        w._publisher.wake()
        w._publisher._thread.join(0.01)


def page(w, word):
    w._dashboard.heartbeat._on_message(None, {word: "page"}, None)


def test_a_class_without_a_notebook_page_costs_only_the_picture(w, monkeypatch):
    classroom = gw.Classroom(w)
    w.wait()
    seen = Seen(w, monkeypatch)
    classroom.watched(yes=True)
    w._runner.step(3)
    published(w)
    assert {name for name, _ in seen.panels} == {"plane"}
    frame = seen.frames[-1]
    assert (frame.losses, dict(frame.seen).keys()) == ({}, {"latents", "scores"})
    assert np.array_equal(frame.generated, w._camera.take().generated)
    w.wait()
    assert {"curves", "timeline"} <= {name for name, _ in seen.panels}, "a cell waits for all of it"
    assert len(seen.frames[-1].losses["loss_d"][0]) == 3


def test_a_page_that_comes_back_while_the_run_is_paused_finds_everything_drawn(w, monkeypatch):
    classroom = gw.Classroom(w)
    page(w, "hello")
    w.wait()
    page(w, "bye")
    classroom.watched(yes=True)
    seen = Seen(w, monkeypatch)
    w._runner.step(3)
    published(w)
    assert {name for name, _ in seen.panels} == {"plane"}
    page(w, "hello")
    seen.wait_for(("curves", 3), ("timeline", 3))
    assert "verdict" in seen.frames[-1].seen


def test_the_class_gets_the_picture_in_a_layout_without_it(w, monkeypatch):
    w.panels = ("transport", "curves")
    classroom = gw.Classroom(w)
    w.wait()
    seen = Seen(w, monkeypatch)
    classroom.watched(yes=True)
    w._runner.step(1)
    published(w)
    assert {name for name, _ in seen.panels} == {"plane"}


def test_a_closed_class_does_not_count_as_a_viewer(w, monkeypatch):
    classroom = gw.Classroom(w)
    classroom.watched(yes=True)
    classroom.close()
    w.wait()
    seen = Seen(w, monkeypatch)
    page(w, "hello")
    w._runner.step(2)
    seen.wait_for(("curves", 2))
