"""The widget of a sweep, without a browser: messages in, frames out."""

import numpy as np
import pytest
from traitlets import TraitError

import ganwidgets as gw

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}


def made(**asked):
    return gw.Sweep("ring8", lr_g=[1e-3, 2e-3], lr_d=[1e-3, 3e-3], **SMALL, **asked)


@pytest.fixture
def widget():
    shown = gw.SweepWidget(made())
    yield shown
    shown.close()


def drawn(widget, monkeypatch):
    frames = []
    monkeypatch.setattr(widget._view, "draw", lambda arrays, _: frames.append(arrays))
    widget._frames.forget()
    widget._runner.call(widget._draw)
    return frames[0]


def test_it_plays_pauses_and_steps(widget):
    widget.step(3)
    widget.wait()
    assert (widget.iteration, widget.sweep.iteration) == (3, 3)
    widget.play(until=20)
    widget.wait(timeout=60)
    assert (widget.status, widget.iteration) == ("paused", 20)
    widget._on_act({"act": "play"})
    widget.wait(iteration=30, timeout=60)
    widget._on_act({"act": "pause"})
    widget.wait(timeout=60)
    assert widget.status == "paused"
    widget.play()
    with pytest.raises(TimeoutError):
        widget.wait(iteration=10**9, timeout=0.01)


def test_watching_changes_no_bit(widget, monkeypatch):
    for _ in range(3):
        widget.step(4)
        drawn(widget, monkeypatch)
        widget.metric = "high_quality" if widget.metric != "high_quality" else "sliced_wasserstein"
        widget.sweep.evaluate(50)
    widget.wait()
    alone = made()
    alone.step(12)
    assert [r.state_hash() for r in widget.sweep.runs] == [r.state_hash() for r in alone.runs]


def test_a_frame_holds_a_miniature_the_losses_and_the_metric_of_every_run(widget, monkeypatch):
    widget.step(30)
    frame = drawn(widget, monkeypatch)
    assert frame["samples"].shape[0] == frame["values"].shape[0] == 4
    assert np.isfinite(frame["samples"]).all()
    losses = widget.sweep.runs[2].history["loss_d"]
    last = frame["curves"][2, 0]
    assert np.isclose(np.nanmean(last), losses.mean(), rtol=0.1)
    for _ in range(4):
        widget._runner.call(lambda: [widget._frames.measure_now(i) for i in range(4)])
    assert np.isfinite(drawn(widget, monkeypatch)["values"]).all()


def test_conditional_runs_are_shown_and_measured(monkeypatch):
    points = np.random.default_rng(0).normal(size=(90, 2))
    sweep = gw.Sweep((points, np.arange(90) % 3), lr_d=[1e-3, 3e-3], conditional=True, **SMALL)
    shown = gw.SweepWidget(sweep)
    shown.step(5)
    shown.wait()
    assert [why for _, why in sweep.groups] == [""]
    frame = drawn(shown, monkeypatch)
    assert frame["samples"].shape[0] == 2
    assert np.isfinite(frame["samples"]).all()
    for i in range(2):
        shown._runner.call(lambda i=i: shown._frames.measure_now(i))
    assert np.isfinite(drawn(shown, monkeypatch)["values"]).all()
    shown.close()


def test_a_frame_brings_only_curves_that_changed(widget):
    frames = widget._frames

    def runs(*, exact):
        found = widget._runner.call(lambda: frames.curves(exact=exact))
        assert found["curves"].shape[:2] == (len(found["changed"]), 2)
        return sorted(found["changed"].astype(int).tolist())

    widget.step(400)
    assert runs(exact=False) == [0, 1, 2, 3]  # none was sent before
    widget.step(5)  # half of what a point of the curve covers
    assert runs(exact=False) == []
    assert runs(exact=True) == [0, 1, 2, 3]
    assert runs(exact=True) == []
    found = []
    for _ in range(4):  # a quarter of the runs in each frame
        widget.step(11)
        found += runs(exact=False)
    assert sorted(found) == [0, 1, 2, 3]
    widget.sweep.respawn(2)
    assert runs(exact=False) == [2]
    widget._on_act({"act": "redraw"})  # a view that has no curves yet
    assert runs(exact=False) == [0, 1, 2, 3]


def test_a_frame_of_a_run_that_goes_on_is_one_message(widget, monkeypatch):
    sent = []
    widget.step(2)
    widget._runner.call(widget._draw)
    monkeypatch.setattr(widget._view, "send_state", lambda key=None: sent.append(key))
    monkeypatch.setattr(widget._view, "send", lambda content, _: sent.append(content["at"]["iteration"]))
    for _ in range(2):
        widget.sweep.step(2)
        widget._runner.iteration = widget.sweep.iteration
        widget._runner.call(widget._draw)
    assert sent == [4, 6]


def test_messages_change_stop_and_respawn_runs(widget):
    widget._on_act({"act": "change", "runs": [0, 3], "setting": "lr_d", "value": "0.004"})
    widget._on_act({"act": "kill", "runs": [1]})
    widget._on_act({"act": "respawn", "runs": [2, 3], "source": 3, "warm": True})
    widget.step(2)
    widget.wait()
    runs = widget.sweep.runs
    assert [r.settings.lr_d for r in runs] == [0.004, 0.003, 0.004, 0.004]
    assert [r.status for r in runs] == ["running", "stopped", "running", "running"]
    assert widget.error == ""
    widget._on_act({"act": "change", "runs": [0], "setting": "lr_d", "value": "fast"})
    widget.wait()
    assert "lr_d" in widget.error
    widget._on_act({"act": "respawn", "runs": [1]})
    widget.wait()
    assert runs[1].status in {"new", "running"}


def test_a_run_is_opened_as_a_copy(widget):
    widget.step(4)
    opened = widget.show_run(2)
    assert opened.trainer.state_hash() == widget.sweep.runs[2].state_hash()
    assert opened in widget._detail.children
    before = widget.sweep.runs[2].state_hash()
    opened.step(2)
    opened.wait()
    assert widget.sweep.runs[2].state_hash() == before
    widget.show_run(0)
    assert opened not in widget._detail.children


def test_when_every_run_has_ended_it_says_so(widget):
    for i in range(4):
        widget.sweep.kill(i)
    widget.play()
    widget.wait(timeout=60)
    assert widget.status == "ended"
    assert "respawn" in widget.error


def test_bad_input_is_refused(widget):
    with pytest.raises(TraitError, match="sliced_wasserstein"):
        widget.metric = "beauty"
    assert widget.metric == "sliced_wasserstein"
    with pytest.raises(TypeError, match=r"gw\.Sweep"):
        gw.SweepWidget("ring8")


def test_images_and_french(monkeypatch):
    images = np.random.default_rng(0).random((30, 8, 8))
    sweep = gw.Sweep(images, seeds=2, **SMALL)
    widget = gw.SweepWidget(sweep, locale="fr", metric="diversity")
    assert widget._view.words["play"] != "Play"
    frame = drawn(widget, monkeypatch)
    assert frame["samples"].shape == (2, 4, 8, 8, 1)
    assert widget._repr_mimebundle_()["image/png"]
    widget.close()
    sweep.step(1)
    assert sweep.iteration == 1


def test_a_kind_of_data_without_a_metric_is_refused_until_one_is_registered(monkeypatch):
    gw.register_modality(gw.Modality(name="silent", evaluate=lambda *_: {}, picture=lambda x: x[:, None]))
    sweep = gw.Sweep(np.random.default_rng(0).random((30, 4, 8)), kind="silent", seeds=2, **SMALL)
    with pytest.raises(gw.DataError, match=r"silent.*gw\.Modality.*gw\.register_metric\(name, function"):
        gw.SweepWidget(sweep)
    sweep.step(1)
    gw.register_metric("level", lambda samples, _: float(samples.mean()), kind="silent")
    widget = gw.SweepWidget(sweep)
    assert widget.metric == "level"
    widget._runner.call(lambda: widget._frames.measure_now(0))
    assert np.isfinite(drawn(widget, monkeypatch)["values"][0])
    widget.close()
