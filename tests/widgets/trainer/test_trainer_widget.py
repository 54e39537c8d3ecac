"""The trainer widget used from a cell, without a browser or kernel; a stand-in for comm drops the messages."""

from __future__ import annotations

import threading

import ipywidgets
import numpy as np
import pytest
import torch
from torch import nn
from traitlets import TraitError, link

import ganwidgets as gw
from ganwidgets.settings import SETTINGS

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}
EXPLOSIVE = {"optimizer_d": "sgd", "optimizer_g": "sgd", "loss": "wasserstein", "lr_d": 10.0, "lr_g": 10.0}


@pytest.fixture
def make():
    made = []

    def widget(*args, **kwargs):
        made.append(gw.GANTrainerWidget(*args, **kwargs))
        return made[-1]

    yield widget
    for one in made:
        one.close()


def settle(widget):
    """Wait until requested changes are in force and published."""
    widget.wait(timeout=60)


def seen(widget, changed):
    """Return an event that is set once a trait of `widget` changes."""
    happened = threading.Event()
    widget.observe(lambda _: happened.set(), names=[changed])
    return happened


class TestSettings:
    def test_every_setting_is_a_trait_with_the_trainers_value(self, make):
        w = make("ring8", **SMALL)
        for name in SETTINGS:
            assert getattr(w, name) == getattr(w.trainer.settings, name)

    def test_an_assignment_reaches_the_trainer_and_is_recorded(self, make):
        w = make("ring8", **SMALL)
        w.lr_d = 2e-4
        assert w.lr_d == 2e-4
        settle(w)
        assert w.trainer.settings.lr_d == 2e-4
        w.step()
        settle(w)
        (record,) = [r for r in w.trainer.interventions if r.setting == "lr_d"]
        assert (record.author, record.source, record.new) == ("cell", "code", 2e-4)

    def test_a_change_of_the_trainer_reaches_the_trait_and_the_control(self, make):
        w = make("ring8", **SMALL)
        w.trainer.settings.lr_g = 3e-4
        settle(w)
        assert w.lr_g == 3e-4
        assert w._dashboard.controls.controls["lr_g"]._shown == 3e-4

    def test_an_edit_at_a_control_reaches_trait_and_trainer(self, make):
        w = make("ring8", **SMALL)
        w._dashboard.controls.controls["d_steps"]._edited(3)
        assert w.d_steps == 3
        w.step()
        settle(w)
        (record,) = [r for r in w.trainer.interventions if r.setting == "d_steps"]
        assert (record.author, record.source) == ("user", "widget")

    @pytest.mark.parametrize(
        ("name", "value"),
        [("lr_d", -1), ("lr_d", True), ("lr_d", float("nan")), ("loss", "hingy"), ("batch_size", 2.0)],
    )
    def test_an_invalid_assignment_is_refused_at_once_and_changes_nothing(self, make, name, value):
        w = make("ring8", **SMALL)
        before = getattr(w, name)
        with pytest.raises(TraitError, match=name):
            setattr(w, name, value)
        settle(w)
        assert getattr(w, name) == getattr(w.trainer.settings, name) == before
        assert w.trainer.interventions == []

    def test_unknown_names_are_refused_with_a_suggestion(self, make):
        w = make("ring8", **SMALL)
        with pytest.raises(TraitError, match="did you mean lr_d"):
            w.lrd = 1
        with pytest.raises(TraitError, match="batch_size"):
            gw.GANTrainerWidget("ring8", batchsize=3)
        with pytest.raises(TraitError, match="read-only"):
            w.iteration = 3

    def test_an_unknown_preset_is_refused_with_a_suggestion(self, make):
        w = make("ring8", **SMALL)
        with pytest.raises(gw.DataError, match="ring8"):
            w.data = "rign8"
        assert w.data == "ring8"

    def test_a_batch_larger_than_the_data_is_refused(self, make):
        w = make(np.zeros((20, 2), dtype=np.float32), **SMALL)
        with pytest.raises(TraitError, match="20"):
            w.batch_size = 21
        assert w.batch_size == 16

    def test_a_late_refusal_restores_the_trait_and_shows_the_reason(self, make):
        w = make("ring8", **SMALL)
        refused = seen(w, "error")
        # It was valid when it was requested, and is not any more when it is carried out.
        w._runner.change({"batch_size": -5})
        assert refused.wait(60)
        assert "batch_size" in w.error
        assert w.batch_size == w.trainer.settings.batch_size == 16

    def test_a_late_event_does_not_undo_a_newer_assignment(self, make):
        w = make("ring8", **SMALL)
        settle(w)
        values = []
        w.observe(lambda change: values.append(change["new"]), "lr_d")
        with w._writing:  # The publisher waits here before it writes the event's value.
            for value in (0.01, 0.02):
                w.lr_d = value
                w._runner.wait(timeout=60)
        settle(w)
        assert values == [0.01, 0.02]
        assert w.trainer.settings.lr_d == w._dashboard.controls.controls["lr_d"].shown == 0.02

    def test_a_link_keeps_both_traits_equal(self, make):
        w = make("ring8", **SMALL)
        slider = ipywidgets.FloatSlider(min=0, max=1, step=0.001)
        link((w, "lr_d"), (slider, "value"))
        assert slider.value == w.lr_d
        slider.value = 0.25
        assert w.lr_d == 0.25
        settle(w)
        assert w.trainer.settings.lr_d == 0.25
        slider.close()

    @pytest.mark.parametrize("name", ["lr_d", "loss", "iteration", "speed", "metrics"])
    def test_a_link_in_the_page_is_refused_with_the_link_to_use(self, make, name):
        w, other = make("ring8", **SMALL), ipywidgets.FloatText()
        for linked in (ipywidgets.jslink, ipywidgets.jsdlink):
            with pytest.raises(TypeError, match=rf"{name} is checked in the kernel.*ipywidgets\.link"):
                linked((w, name), (other, "value"))
            with pytest.raises(TypeError, match=r"ipywidgets\.dlink"):
                linked((other, "value"), (w, name))
        assert name not in w.keys
        other.close()

    def test_the_widget_of_a_game_does_not_change_links_of_other_widgets(self, make):
        images = np.zeros((8, 8, 8), dtype=np.float32)
        make((images, images), game="pix2pix", channels=2, batch_size=4)
        w, other = make("ring8", **SMALL), ipywidgets.FloatText()
        for name in ("lr_d", "lr_g"):
            with pytest.raises(TypeError, match=rf"{name} is checked in the kernel"):
                ipywidgets.jslink((w, name), (other, "value"))
        other.close()

    def test_a_setting_that_needs_a_reset_is_pending_until_then(self, make):
        w = make("ring8", **SMALL)
        w.latent_dim = 5
        settle(w)
        assert w.trainer.generator[0].in_features == 8
        w.reset()
        settle(w)
        assert w.trainer.generator[0].in_features == 5


class TestRunning:
    def test_play_until_and_wait(self, make):
        w = make("ring8", **SMALL)
        assert w.status == "idle"
        w.play(until=30)
        w.wait(timeout=60)
        assert (w.iteration, w.status, w.playing) == (30, "paused", False)
        assert w.loss_d == w.trainer.history["loss_d"][-1]
        assert w.metrics["sliced_wasserstein"] == w.trainer.evaluate()["sliced_wasserstein"]

    def test_wait_for_an_iteration_while_the_run_continues(self, make):
        w = make("ring8", **SMALL)
        w.play()
        w.wait(iteration=20, timeout=60)
        assert w.iteration >= 20
        w.pause()
        settle(w)
        assert w.status == "paused"

    def test_single_steps(self, make):
        w = make("ring8", **SMALL)
        w.step(3)
        settle(w)
        assert w.iteration == 3
        before = [p.clone() for p in w.trainer.generator.parameters()]
        w.step(network="discriminator")
        settle(w)
        assert w.iteration == 3
        assert all(map(torch.equal, before, w.trainer.generator.parameters()))

    def test_the_same_seed_repeats_the_same_run(self, make):
        w = make("ring8", **SMALL)
        w.step(5)
        settle(w)
        first = w.trainer.state_hash()
        w.reset()
        w.step(5)
        settle(w)
        assert w.trainer.state_hash() == first
        w._hands.act("new_seed")
        w.step(5)
        settle(w)
        assert w.seed == 1
        assert w.trainer.state_hash() != first

    def test_a_diverging_run_stops_with_a_status_and_continues_after_the_repair(self, make):
        w = make("ring8", **SMALL)
        w.step(3)
        settle(w)
        for name, value in EXPLOSIVE.items():
            setattr(w, name, value)
        w.play()
        with pytest.raises(gw.DivergedError):
            w.wait(timeout=60)
        assert w.status == "diverged"
        assert "lr_d" in w.error
        assert torch.isfinite(w.trainer.sample(10, seed=0)).all()
        w.lr_d = w.lr_g = 1e-4
        w.recover()
        settle(w)
        assert (w.status, w.error) == ("paused", "")
        w.reset()
        w.play(until=20)
        settle(w)
        assert w.iteration == 20

    def test_an_exception_in_a_network_becomes_a_status(self, make):
        class Moody(nn.Linear):
            angry = False

            def forward(self, x):
                if self.angry:
                    raise RuntimeError("not <b>today</b>")
                return super().forward(x)

        network = Moody(2, 1)
        w = make("ring8", discriminator=network, **SMALL)
        w.step(2)
        settle(w)
        network.angry = True
        w.play()
        with pytest.raises(RuntimeError, match="today"):
            w.wait(timeout=60)
        assert w.status == "error"
        assert "today" in w.error
        assert "<b>" not in w._dashboard.status._box.value
        network.angry = False
        w.recover()
        w.play(until=4)
        settle(w)
        assert (w.iteration, w.error) == (4, "")


class TestWatching:
    def test_a_watched_run_ends_in_the_same_bits(self, make):
        plain = gw.GANTrainer("ring8", seed=3, **SMALL)
        plain.step(60)
        w = make("ring8", seed=3, **SMALL)
        eager = threading.Event()

        def answer(seq):
            w._dashboard.heartbeat._on_message(None, {"ack": seq, "view": "v"}, None)
            eager.set()

        w._dashboard.heartbeat.beat = answer
        w._dashboard.heartbeat._on_message(None, {"hello": "v"}, None)
        w.speed = 200
        w.play(until=60)
        w.wait(timeout=60)
        assert eager.is_set()
        assert w.trainer.state_hash() == plain.state_hash()

    def test_a_pause_ends_with_the_metrics_of_its_iteration(self, make, monkeypatch):
        monkeypatch.setattr(
            "ganwidgets.live.frames.metric_sampler.SHARE", 1e-9
        )  # Make measuring seem to cost hours.
        reached = threading.Event()
        w = make("ring8", **SMALL)
        sampler, heartbeat = w._camera._metric_sampler, w._dashboard.heartbeat
        redraw = sampler._notify

        def measured():
            redraw()
            if sampler.curves["modes"][0][-1] == 60:
                reached.set()

        sampler._notify = measured
        heartbeat.beat = lambda seq: heartbeat._on_message(None, {"ack": seq, "view": "v"}, None)
        heartbeat._on_message(None, {"hello": "v"}, None)
        w.play(until=60)
        assert reached.wait(timeout=60)

    def test_a_saved_notebook_shows_the_last_state_if_no_page_is_open(self, make, monkeypatch):
        shown = []
        monkeypatch.setattr(
            "ganwidgets.widgets.browser.kernel.displays.publish_display_data",
            lambda bundle, *, transient=None, update=False: shown.append((bundle.get("image/png"), update)),
        )
        w = make("ring8", **SMALL)
        w._ipython_display_()
        live, first = shown
        assert live[0] is None, (
            "a front end that has lost the widget would not look at a picture in its output"
        )
        del shown[0]
        on_message = w._dashboard.heartbeat._on_message
        w.step(3)
        settle(w)  # no page is open
        assert [update for _, update in shown] == [False, True]
        assert shown[-1][0] != first[0]
        on_message(None, {"hello": "one"}, None)
        on_message(None, {"hello": "other"}, None)
        w.step(3)
        settle(w)
        on_message(None, {"bye": "one"}, None)
        assert len(shown) == 2
        on_message(None, {"bye": "other"}, None)
        assert [update for _, update in shown] == [False, True, True]
        assert shown[2][0] != shown[1][0]
        # wait() was not called since then
        on_message(None, {"hello": "one"}, None)
        on_message(None, {"bye": "one"}, None)
        assert len(shown) == 3

    def test_two_widgets_on_one_trainer_follow_each_other(self, make):
        w = make("ring8", **SMALL)
        other = make(w.trainer)
        w.lr_d = 2e-4
        settle(other)
        assert other.lr_d == 2e-4
        other.step(4)
        settle(w)
        assert w.iteration == 4
        other.close()
        w.step()
        settle(w)
        assert w.iteration == 5

    def test_its_picture_is_stored_for_readers_without_a_kernel(self, make):
        bundle = make("ring8", **SMALL)._repr_mimebundle_()
        assert {"application/vnd.jupyter.widget-view+json", "image/png"} <= set(bundle)

    def test_images_are_shown_in_a_grid(self, make):
        w = make("digits", latent_dim=4, **SMALL)
        w.trainer.evaluate(20)  # wait until the classifier is trained
        w.step()
        settle(w)
        assert {"accuracy_real", "accuracy_fake", "frechet", "coverage"} <= set(w.metrics)

    def test_a_panel_with_costly_parts_is_drawn_less_often(self, make, monkeypatch):
        dashboard = make("digits", batch_size=32)._dashboard
        now = 1000.0
        monkeypatch.setattr("ganwidgets.widgets.trainer.dashboards.dashboard.time.monotonic", lambda: now)
        dashboard.due({}, everything=True)

        def due(costs):
            return {panel.name for panel in dashboard.due(costs, everything=False)}

        now += 1.1
        assert "graph" not in due({"gradients": 0.1})
        now += 1.0
        assert {"graph", "samples", "status"} <= due({"gradients": 0.1})
        now += 1.1
        assert "graph" in due({"gradients": 0.01, "crowd": 9.0}), "it has no need of a crowd"

    def test_for_images_only_the_gallery_and_the_numbers_change_more_than_once_a_second(
        self, make, monkeypatch
    ):
        now = 1000.0
        monkeypatch.setattr("ganwidgets.widgets.trainer.dashboards.dashboard.time.monotonic", lambda: now)
        images, points = make("digits", batch_size=32)._dashboard, make("ring8", **SMALL)._dashboard
        for dashboard in (images, points):
            dashboard.due({}, everything=True)
        now += 0.5
        names = {panel.name for panel in images.due({}, everything=False)}
        assert {"samples", "status"} <= names
        assert not {"graph", "curves", "map"} & names
        assert {"graph", "curves"} <= {panel.name for panel in points.due({}, everything=False)}

    def test_french(self, make):
        w = make("ring8", locale="fr", **SMALL)
        assert w._dashboard.transport.buttons["play"].description != "Play"
        with pytest.raises(ValueError, match="xx"):
            gw.GANTrainerWidget("ring8", locale="xx")


def test_close_ends_the_threads_and_the_trainer_can_still_be_used():
    before = set(threading.enumerate())
    w = gw.GANTrainerWidget("ring8", **SMALL)
    w.play()
    w.wait(iteration=5, timeout=60)
    w.close()
    assert not [t for t in set(threading.enumerate()) - before if t.name.startswith("ganwidgets")]
    stood = w.trainer.iteration
    w.trainer.step(2)
    assert w.trainer.iteration == stood + 2
