"""FreezeD: updates do not change the first layers of D."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

import ganwidgets as gw
from ganwidgets.stepping.modules.frozen_layers import parameters_of_first_layers


def moved(trainer, steps=3):
    """Return the names of D's parameters that some steps change."""
    before = {name: p.detach().clone() for name, p in trainer.discriminator.named_parameters()}
    trainer.step(steps)
    return {name for name, p in trainer.discriminator.named_parameters() if not torch.equal(p, before[name])}


def test_a_layer_is_a_module_with_a_weight_and_the_modules_after_it():
    network = nn.Sequential(
        nn.BatchNorm1d(2), spectral_norm(nn.Linear(2, 3)), nn.LayerNorm(3), nn.ReLU(), nn.Linear(3, 1)
    )
    names = {id(p): name for name, p in network.named_parameters()}

    def first(n):
        return {names[key] for key in parameters_of_first_layers([network], n)}

    assert first(0) == set()
    assert first(1) == {name for name in names.values() if not name.startswith("4.")}
    assert first(2) == first(9) == set(names.values())


@pytest.mark.parametrize(
    "changes", [{}, {"grad_clip": 0.1}, {"loss": "wasserstein", "weight_clip": 0.01}, {"unroll_steps": 2}]
)
def test_first_layers_change_no_bit_and_later_ones_learn(changes):
    trainer = gw.GANTrainer(
        "ring8", freeze_layers_d=1, d_hidden=(8, 8), g_hidden=(8,), batch_size=16, **changes
    )
    names = [name for name, _ in trainer.discriminator.named_parameters()]
    # The bias of Wasserstein's last layer has no gradient: a shift of all logits does not change the loss.
    learning = {name for name in names if name != names[-1]}
    assert moved(trainer) - {names[-1]} == learning - set(names[:2])
    trainer.change(freeze_layers_d=0)
    assert moved(trainer) - {names[-1]} == learning


def test_with_all_layers_frozen_d_does_not_change_and_g_learns():
    trainer = gw.GANTrainer("ring8", freeze_layers_d=100, d_hidden=(8,), g_hidden=(8,), batch_size=16)
    before = [p.detach().clone() for p in trainer.generator.parameters()]
    assert moved(trainer) == set()
    assert not all(map(torch.equal, before, trainer.generator.parameters()))


def test_time_travel_and_files_are_exact_across_a_change(tmp_path):
    trainer = gw.GANTrainer("ring8", d_hidden=(8, 8), g_hidden=(8,), batch_size=16, unroll_steps=1)
    trainer.step(3)
    trainer.change(freeze_layers_d=1)
    trainer.step(3)
    middle = trainer.state_hash()
    trainer.change(freeze_layers_d=0)
    trainer.step(3)
    end = trainer.state_hash()
    trainer.save(tmp_path / "run.gan")
    trainer.timeline.goto(6)
    trainer.timeline.goto(9)
    assert trainer.state_hash() == end
    loaded = gw.GANTrainer.load(tmp_path / "run.gan")
    loaded.step(2)
    trainer.step(2)
    assert loaded.state_hash() == trainer.state_hash()
    fresh = gw.GANTrainer("ring8", d_hidden=(8, 8), g_hidden=(8,), batch_size=16, unroll_steps=1)
    fresh.step(3)
    fresh.change(freeze_layers_d=1)
    fresh.step(3)
    assert fresh.state_hash() == middle
