"""Writes to weights by another thread during updates become interventions."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

import ganwidgets as gw
from ganwidgets.runs.record.interventions import CODE
from ganwidgets.stepping.engine import ALL

SMALL = {"d_hidden": (8,), "batch_size": 16, "latent_dim": 2}


ACTS = []
"""What happens at each call of the generator, as a cell in another thread may do it at that moment."""


class Meddling(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, z):
        for act in ACTS:
            act()
        return super().forward(z)


def trainer_of(generator, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return gw.GANTrainer("ring8", generator=generator(), **SMALL, **settings)


def edits(trainer):
    return [(r.iteration, r.author, r.new) for r in trainer.interventions if r.setting == "edit"]


@torch.no_grad()
def halve(parameter):
    parameter.mul_(0.5)


def halve_data(parameter):
    parameter.data.mul_(0.5)


def halve_by_numpy(parameter):
    parameter.detach().numpy()[...] *= 0.5


def replace_data(parameter):
    parameter.data = parameter.data * 0.5


@pytest.fixture
def another_thread():
    """A second thread, like in a notebook; the contents of weights are compared only if there is one."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    yield
    done.set()
    thread.join()


def test_writes_between_two_steps_of_one_call(tmp_path):
    plain, trainer = trainer_of(Meddling), trainer_of(Meddling)
    plain.step(3)

    def meddles():
        if trainer.iteration == 3:
            halve(trainer.generator[0].weight)
        return False

    trainer._session.updates.advance(ALL, 8, meddles, CODE)
    name = "generator.0.weight (while updates went on)"
    assert edits(trainer) == [(4, "user", name)]
    assert trainer.exact
    end = trainer.state_hash()
    trainer.timeline.goto(3)
    assert trainer.state_hash() == plain.state_hash()
    trainer.timeline.goto(8)
    assert trainer.state_hash() == end
    trainer.timeline.goto(5)
    middle = trainer.state_hash()
    trainer.timeline.goto(4)
    trainer.timeline.goto(5)
    assert trainer.state_hash() == middle
    trainer.save(tmp_path / "run.gan")
    again = gw.GANTrainer.load(tmp_path / "run.gan", generator=Meddling())
    assert edits(again) == edits(trainer)


@pytest.mark.parametrize("write", [halve, halve_data, halve_by_numpy, replace_data])
@pytest.mark.parametrize("calls", [4, 5, 6, 7])
@pytest.mark.usefixtures("another_thread")
def test_writes_in_the_middle_of_an_update(calls, write, monkeypatch):
    trainer = trainer_of(Meddling)
    countdown = iter(range(calls, -1, -1))
    trainer.step()
    act = lambda: next(countdown, 1) == 0 and write(trainer.discriminator[0].bias)  # noqa: E731
    monkeypatch.setattr("test_foreign_writes.ACTS", [act])
    trainer._session.updates.advance(ALL, 6, lambda: False, CODE)
    ((_, _, name),) = edits(trainer)
    assert name.startswith("discriminator.0.bias")
    end = trainer.state_hash()
    trainer.timeline.goto(1)
    trainer.timeline.goto(7)
    assert trainer.state_hash() == end


class Renormed(nn.Module):
    """Changes its own weights when it is called: an embedding with max_norm."""

    def __init__(self):
        super().__init__()
        self.table, self.layer = nn.Embedding(16, 2, max_norm=0.5), nn.Linear(2, 2)

    def forward(self, z):
        return self.layer(z + self.table(torch.arange(len(z)) % 16))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"d_steps": 3, "skip_d_below": 1.3},
        {"weight_clip": 0.05, "optimizer_d": "rmsprop", "grad_clip": 0.1},
        {"ema_decay": 0.9, "penalty": "r1", "freeze_g": True},
    ],
)
@pytest.mark.parametrize("generator", [Meddling, Renormed])
@pytest.mark.usefixtures("another_thread")
def test_updates_themselves_are_no_interventions(generator, settings):
    trainer = trainer_of(generator, **settings)
    trainer.step(6)
    trainer.step_d(2)
    trainer.change(lr_d=1e-4)
    trainer.step(3)
    trainer.timeline.goto(4)
    trainer.step(3)
    assert edits(trainer) == []
