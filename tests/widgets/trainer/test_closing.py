"""A closed widget leaves no models or threads, and refuses commands with an explanation."""

from __future__ import annotations

import gc
import threading
import weakref

import comm
import ipywidgets
import pytest
import torch
from ipywidgets.widgets.widget import _instances
from traitlets import TraitError

import ganwidgets as gw

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}
PATIENCE = 60


@pytest.fixture
def closed():
    widget = gw.GANTrainerWidget("ring8", **SMALL)
    widget.step(2)
    widget.wait(timeout=PATIENCE)
    widget.close()
    return widget


def lesson():
    return gw.LessonWidget(
        gw.Lesson(
            question="Where do they go?",
            answers=("up", "down"),
            data="ring8",
            experiment={"lr_d": 0.01},
            steps=2,
        )
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: gw.GANTrainerWidget("ring8", **SMALL),
        lambda: gw.GANTrainerWidget("digits", **SMALL),
        gw.DiracWidget,
        lesson,
    ],
    ids=["points", "images", "dirac", "lesson"],
)
def test_closing_removes_every_model_and_its_comm(make):
    models, comms = set(_instances), set(comm.get_comm_manager().comms)
    widget = make()
    assert set(_instances) > models
    widget.close()
    assert {type(_instances[left]).__name__ for left in set(_instances) - models} == set()
    assert set(comm.get_comm_manager().comms) == comms


@pytest.mark.parametrize(
    "make",
    [lambda: gw.GANTrainerWidget("ring8", speed=-1), lambda: gw.DiracWidget(loss="hingy")],
    ids=["trainer", "dirac"],
)
def test_a_widget_that_fails_in_its_constructor_leaves_no_model_and_no_thread(make):
    models, threads = set(_instances), set(threading.enumerate())
    with pytest.raises(TraitError):
        make()
    assert {type(_instances[left]).__name__ for left in set(_instances) - models} == set()
    assert not [t for t in set(threading.enumerate()) - threads if t.name.startswith("ganwidgets")]


def test_a_closed_widget_and_its_trainer_are_collected():
    widget = gw.GANTrainerWidget("ring8", **SMALL)
    widget.step(2)
    widget.wait(timeout=PATIENCE)
    widget.close()
    parts = [widget, widget.trainer, widget.trainer.source, widget._runner, widget._dashboard]
    references = [weakref.ref(part) for part in parts]
    del widget, parts
    for _ in range(5):  # A collection in progress on another thread turns this call into a no-op.
        gc.collect()
    assert [reference() for reference in references] == [None] * len(references)


def test_a_layout_and_a_child_of_the_user_stay_open():
    widget = gw.GANTrainerWidget("ring8", **SMALL)
    layout, label = ipywidgets.Layout(), ipywidgets.Label("mine")
    widget.layout = layout
    widget.children = (*widget.children, label)
    widget.close()
    assert layout.comm is not None
    assert label.comm is not None
    label.close()
    layout.close()


def test_a_closed_widget_shows_a_note_if_it_is_displayed_again(closed, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "ganwidgets.widgets.browser.kernel.displays.publish_display_data",
        lambda bundle, **_: shown.append(bundle),
    )
    closed._ipython_display_()
    (bundle,) = shown
    assert "closed" in bundle["text/html"]
    assert "gw.GANTrainerWidget(w.trainer)" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" not in bundle


def test_the_stored_picture_shows_the_last_state(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "ganwidgets.widgets.browser.kernel.displays.publish_display_data",
        lambda bundle, *, transient=None, update=False: shown.append((bundle, transient, update)),
    )
    widget = gw.GANTrainerWidget("ring8", **SMALL)
    widget._ipython_display_()
    widget.step(2)
    widget.close()
    (live, _, _), (_, first, _), (bundle, second, update) = shown
    assert "application/vnd.jupyter.widget-view+json" in live
    assert (first, update) == (second, True)
    assert {"image/png", "text/html"} < set(bundle)


@pytest.mark.parametrize(
    ("name", "value"), [("lr_d", 0.5), ("data", "moons"), ("speed", 3.0), ("controls", ("play",))]
)
def test_an_assignment_to_a_closed_widget_is_refused_and_changes_nothing(closed, name, value):
    before = getattr(closed, name)
    with pytest.raises(RuntimeError, match="closed"):
        setattr(closed, name, value)
    assert getattr(closed, name) == before


@pytest.mark.parametrize("method", ["play", "pause", "step", "reset", "recover"])
def test_a_command_to_a_closed_widget_is_refused_although_another_widget_shows_the_run(closed, method):
    other = gw.GANTrainerWidget(closed.trainer)
    with pytest.raises(RuntimeError, match=r"gw\.GANTrainerWidget\(w\.trainer\)"):
        getattr(closed, method)()
    other.close()


def test_an_assignment_that_fails_in_the_run_is_reverted():
    widget = gw.GANTrainerWidget("ring8", **SMALL)
    before = widget.lr_d
    widget._runner.close()
    with pytest.raises(RuntimeError, match="closed"):
        widget.lr_d = 0.5
    assert widget.lr_d == before == widget._dashboard.controls.controls["lr_d"]._shown
    with pytest.raises(TraitError, match="lr_d"):
        widget.lr_d = -1
    widget.close()


def test_a_callback_on_the_training_thread_may_close_the_widget():
    widget = gw.GANTrainerWidget("ring8", **SMALL)
    widget.trainer.on_step(lambda _: widget.close())
    thread = widget._runner._worker._thread
    widget.play()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert widget._ended
    assert widget.trainer.iteration <= 2


@pytest.mark.parametrize("make", [lambda: gw.GANTrainerWidget("ring8", **SMALL), gw.DiracWidget, lesson])
def test_the_repr_is_one_short_line(make):
    widget = make()
    for _ in range(2):
        line = repr(widget)
        assert line.startswith(f"<{type(widget).__name__} ")
        assert "\n" not in line
        assert len(line) < 200
        widget.close()


class TestWaiting:
    def test_wait_never_exceeds_its_timeout(self):
        """The network blocks, so neither the step nor a frame can end while the cell waits."""
        gate, inside = threading.Event(), threading.Event()

        class Slow(torch.nn.Linear):
            def forward(self, x):
                inside.set()
                assert gate.wait(PATIENCE)
                return super().forward(x)

        gate.set()
        widget = gw.GANTrainerWidget("ring8", discriminator=Slow(2, 1), **SMALL)
        widget.wait()
        gate.clear()
        inside.clear()
        widget.play()
        assert inside.wait(PATIENCE)
        with pytest.raises(TimeoutError):
            widget.wait(timeout=0.2)
        assert not gate.is_set()
        gate.set()
        widget.close()

    def test_a_picture_that_cannot_be_drawn_in_time_is_a_timeout(self, monkeypatch):
        widget = gw.GANTrainerWidget("ring8", **SMALL)
        gate = threading.Event()
        take = widget._camera.take
        monkeypatch.setattr(widget._camera, "take", lambda **how: gate.wait(PATIENCE) and take(**how))
        widget.step()
        with pytest.raises(TimeoutError, match="picture"):
            widget.wait(timeout=2)
        gate.set()
        widget.wait(timeout=PATIENCE)
        widget.close()

    def test_wait_in_a_callback_raises_at_once(self):
        widget = gw.GANTrainerWidget("ring8", **SMALL)
        widget.trainer.on_step(lambda _: widget.wait())
        widget.step()
        with pytest.raises(RuntimeError, match="thread that trains"):
            widget.wait(timeout=PATIENCE)
        widget.close()

    def test_wait_in_an_observer_on_the_publisher_thread_raises_at_once(self):
        widget, raised = gw.GANTrainerWidget("ring8", **SMALL), []

        def observer(_):
            with pytest.raises(RuntimeError, match="thread that draws") as caught:
                widget.wait()
            raised.append(caught)

        widget.observe(observer, names=["iteration"])
        widget.step()
        widget.wait(timeout=PATIENCE)
        assert raised
        widget.close()

    @pytest.mark.parametrize("timeout", ["5", -1, float("nan"), True])
    def test_an_invalid_timeout_is_refused(self, closed, timeout):
        with pytest.raises(ValueError, match="timeout"):
            closed.wait(timeout=timeout)
