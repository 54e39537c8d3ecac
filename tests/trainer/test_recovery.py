"""Recovery goes back further after each divergence that does not get past the last one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import ganwidgets as gw

SMALL = {"g_hidden": (4,), "d_hidden": (4,), "batch_size": 8}
AT = 450


class Cliff(nn.Module):
    """A discriminator whose logits become NaN at iteration `AT`, on every path to it."""

    trainer: gw.GANTrainer | None = None

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        broken = self.trainer is not None and self.trainer[0].iteration >= AT
        return self.layer(x) * (float("nan") if broken else 1.0)


@pytest.fixture
def cliff():
    torch.manual_seed(0)
    network = Cliff()
    trainer = gw.GANTrainer(discriminator=network, g_hidden=(4,), batch_size=8)
    network.trainer = (trainer,)
    return trainer


def diverge(trainer):
    with pytest.raises(gw.DivergedError):
        trainer.step(AT + 50)


def hashes(trainer, *iterations):
    found = {}
    for iteration in iterations:
        trainer.timeline.goto(iteration)
        found[iteration] = trainer.state_hash()
    return found


def test_each_recovery_goes_back_further_to_an_exact_state_with_the_settings_in_force(cliff):
    diverge(cliff)
    assert cliff._recovery.recover() == ""
    assert cliff.iteration == AT
    past = hashes(cliff, 50, 250, 350, AT)
    for number, back in ((2, 100), (3, 200), (4, 400)):
        diverge(cliff)
        lr = 0.002 / number
        cliff.change("calmer", lr_d=lr)
        message = cliff._recovery.recover()
        assert (
            message
            == f"recovered at iteration {AT - back}: {number} divergences did not get past iteration {AT}"
        )
        assert (cliff.iteration, cliff.settings.lr_d) == (AT - back, lr)
        assert cliff.interventions[-1].reason == message
        rate = cliff.settings.lr_d
        cliff.settings.lr_d = 0.002
        if number == 2:
            assert cliff.state_hash() == past[AT - back]
        cliff.settings.lr_d = rate
    diverge(cliff)
    cliff._recovery.recover()
    assert cliff.iteration == 0, "there is no state before the start"


def test_a_recovery_without_a_changed_setting_warns_of_the_same_divergence_and_adds_a_note(cliff):
    diverge(cliff)
    cliff._recovery.recover()
    diverge(cliff)
    assert "the same divergence follows unless one is changed" in cliff._recovery.recover()
    assert cliff.iteration == AT - 100
    assert "did not get past iteration" in cliff._session.notes[-1].text


def test_a_later_divergence_or_another_run_resets_the_distance(cliff):
    diverge(cliff)
    diverge(cliff)
    cliff.timeline.goto(20)
    assert cliff._recovery.recover() == "", "the user went elsewhere"
    assert cliff.iteration == 20
    cliff.reset()
    diverge(cliff)
    assert cliff._recovery.recover() == ""
    assert cliff.iteration == AT


def test_the_widget_shows_the_recovery_until_the_run_continues(cliff):
    widget = gw.GANTrainerWidget(cliff)
    for _ in range(2):
        widget.play()
        with pytest.raises(gw.DivergedError):
            widget.wait(timeout=60)
        widget.lr_d = 1e-3
        widget.recover()
        widget.wait(timeout=60)
    assert (widget.iteration, widget.status, widget.error) == (AT - 100, "paused", "")
    box = widget._dashboard.status._box
    assert "2 divergences did not get past iteration 450" in box.value
    widget.step(1)
    widget.wait(timeout=60)
    widget.play(until=AT - 90)
    widget.wait(timeout=60)
    widget.close()
