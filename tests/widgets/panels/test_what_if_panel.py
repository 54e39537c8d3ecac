import numpy as np
import pytest
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.trainer.what_if import WhatIf


@pytest.fixture
def widget():
    made = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16)
    made.step(20)
    made.wait()
    yield made
    made.close()


def test_a_cell_compares_two_futures_without_changing_the_run(widget):
    before = widget.trainer.state_hash(), widget.trainer.interventions, widget.trainer.timeline.branches
    both = widget.what_if(steps=15, lr_d=1e-3)
    panel = widget._dashboard.what_if
    assert panel.what_if is both
    assert len(both.difference("loss_g")) == 15
    assert panel._shown.value.count("<svg") == 4
    assert "gw-hidden" not in panel._decision._dom_classes
    panel.drop.click()
    assert panel._shown.value == ""
    now = widget.trainer.state_hash(), widget.trainer.interventions, widget.trainer.timeline.branches
    assert now == before


def test_the_message_appears_after_the_curves_and_the_buttons_only_at_the_end(widget, monkeypatch):
    widget.what_if(steps=3, lr_d=1e-3)
    panel = widget._dashboard.what_if
    seen = []
    panel._sentences.message.observe(
        lambda change: seen.append(panel._shown.value.count("<svg")), names="value"
    )
    step, offered = WhatIf.step, []

    def watched(what_if, n):
        offered.append("gw-hidden" not in panel._decision._dom_classes)
        step(what_if, n)

    monkeypatch.setattr(WhatIf, "step", watched)
    widget.what_if(steps=5, lr_d=1e-3)
    assert seen
    assert set(seen) == {4}
    assert not any(offered)
    assert "gw-hidden" not in panel._decision._dom_classes


@pytest.mark.parametrize("future", ["take", "keep"])
def test_buttons_compute_and_take_a_future(widget, future):
    panel = widget._dashboard.what_if
    widget._dashboard.heartbeat._go("what_if:loss")
    assert panel.setting.value == "loss"
    assert panel.value.value == "least_squares"
    panel.steps.value = 10
    panel.start.click()
    widget._tasks.settle()
    both = panel.what_if
    expected = (both.changed if future == "take" else both.unchanged).state_hash()
    getattr(panel, future).click()
    widget.wait()
    assert widget.iteration == 30
    assert widget.trainer.state_hash() == expected
    assert widget.trainer.timeline.branch.startswith("what if")
    assert widget.loss == ("least_squares" if future == "take" else "non_saturating")


def test_futures_are_compared_by_any_curve_or_metric_over_noise_seeds_with_their_findings(widget):
    panel = widget._dashboard.what_if
    assert "gw-hidden" in panel._conclusion._dom_classes
    panel.setting.value, panel.value.value, panel.steps.value, panel.seeds.value = "lr_d", "0.01", 8, 3
    panel.start.click()
    widget._tasks.settle()
    both = panel.what_if
    assert both.seeds == 3
    assert panel.metric.value == "sliced_wasserstein"
    by_quality = panel._concluded.value
    assert str(both.difference("sliced_wasserstein").interval) in by_quality
    assert "lower is better" in by_quality
    assert by_quality.count("<li>") == 2
    panel.metric.value = "loss_g"
    widget._tasks.settle()
    assert str(both.difference("loss_g").interval) in panel._concluded.value
    assert panel._concluded.value.count("<polyline") == 1
    panel.drop.click()
    assert "gw-hidden" in panel._conclusion._dom_classes


def test_an_invalid_change_shows_an_error(widget):
    panel = widget._dashboard.what_if
    panel.setting.value, panel.value.value = "lr_d", "-3"
    panel.start.click()
    widget._tasks.settle()
    assert "-3" in panel._sentences.message.value
    assert not panel.start.disabled
    with pytest.raises(TraitError, match="what_if has no 'lr_x'"):
        widget.what_if(lr_x=3)


def test_every_setting_without_reset_has_the_button(widget):
    controls = widget._dashboard.controls.controls
    assert "gw-asks" in controls["lr_d"].widget._dom_classes
    assert "gw-asks" not in controls["latent_dim"].widget._dom_classes


def test_what_if_works_while_the_run_plays(widget):
    widget.play()
    both = widget.what_if(steps=5, lr_g=1e-3)
    widget.pause()
    widget.wait()
    assert both.start >= 20
    assert np.isfinite(both.difference("loss_d")[-1])


def test_notes_are_marked_on_the_curves(widget):
    widget.trainer.note("looks stuck", 7)
    past = widget._camera.take().past
    assert past.notes == ((7, "looks stuck"),)
    assert (7, "looks stuck") in next(p for p in widget._dashboard._panels if p.name == "curves")._marks(past)
