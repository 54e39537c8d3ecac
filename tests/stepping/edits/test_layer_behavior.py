"""Changes by hand of state outside of tensors are logged, and make the run not exact."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_module

import ganwidgets as gw


def doubled(_module, _inputs, output):
    return output * 2


CHANGES = {
    "an option": lambda t: setattr(t.generator[1], "negative_slope", 0.9),
    "a forward hook": lambda t: t.generator.register_forward_hook(doubled),
    "a hook of a layer": lambda t: t.discriminator[0].register_forward_hook(doubled),
    "a hook before it": lambda t: t.generator.register_forward_pre_hook(lambda m, inputs: (inputs[0] * 2,)),
    "a hook of a parameter": lambda t: t.generator[0].weight.register_hook(lambda g: g * 2),
    "a method": lambda t: setattr(
        t.generator, "forward", lambda z: nn.Sequential.forward(t.generator, z) * 2
    ),
}


@pytest.fixture
def trainer():
    trainer = gw.GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16)
    trainer.step(2)
    return trainer


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_logged_and_the_run_is_not_exact(trainer, change):
    assert trainer.exact
    CHANGES[change](trainer)
    trainer.step()
    if "hook" in change:  # A hook may only read the networks, so it is no record.
        assert list(trainer.interventions) == []
    else:
        (record,) = trainer.interventions
        assert (record.author, record.setting, record.iteration) == ("user", "edit", 2)
    assert not trainer.exact
    assert "changed by hand at iteration 2" in trainer.exact_because


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self._power = nn.Linear(2, 2), 1.0
        self.act, self.scales, self.options = torch.tanh, [1.0], {"shift": 0.0}
        self.table, self.config = torch.ones(2), SimpleNamespace(gain=1.0)
        self.calls = []

    def forward(self, z):
        self.calls.append(len(z))
        found = self.act(self.layer(z)) ** self._power * self.scales[0] + self.options["shift"]
        return found * self.table * self.config.gain


OWN = {
    "_power": lambda g: setattr(g, "_power", 3.0),
    "act": lambda g: setattr(g, "act", torch.sin),
    "scales": lambda g: g.scales.__setitem__(0, 2.0),
    "options": lambda g: g.options.update(shift=1.0),
    "table": lambda g: g.table.mul_(2),
    "config": lambda g: setattr(g.config, "gain", 2.0),
    "forward": lambda g: setattr(Own, "forward", lambda self, z: self.layer(z)),
}


@pytest.mark.parametrize("name", OWN)
def test_attributes_that_a_users_module_computes_with_are_compared(name, monkeypatch):
    monkeypatch.setattr(Own, "forward", Own.forward)  # restored at the end
    trainer = gw.GANTrainer("ring8", generator=Own(), latent_dim=2, d_hidden=(8,), batch_size=16)
    trainer.sample(4)  # The network changes its list of calls itself.
    trainer.step()
    assert trainer.exact
    OWN[name](trainer.generator)
    trainer.step()
    assert [record.setting for record in trainer.interventions] == ["edit"]
    assert f"generator.{name}" in trainer.exact_because


def test_a_global_hook_counts_as_a_change(trainer):
    handle = torch_module.register_module_forward_hook(lambda m, inputs, output: None)
    try:
        trainer.step()
    finally:
        handle.remove()
    assert not trainer.exact


def test_reading_and_changes_by_the_networks_own_updates_do_not_count():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.calls = nn.Linear(2, 2), 0

        def forward(self, z):
            self.calls += 1
            return self.layer(z)

    trainer = gw.GANTrainer("ring8", generator=Counting(), latent_dim=2, d_hidden=(8,), batch_size=16)
    trainer.step()
    trainer.generator.eval()
    trainer.generator(torch.zeros(3, 2))
    trainer.sample(4)
    trainer.step(2)
    assert list(trainer.interventions) == []


def test_a_removed_hook_does_not_count(trainer):
    trainer.generator.register_forward_hook(doubled).remove()
    trainer.step()
    assert list(trainer.interventions) == []
    assert trainer.exact


class Recurrent(nn.Module):
    """Stores the last hidden state in a tuple, like many recurrent networks."""

    def __init__(self):
        super().__init__()
        self.cells, self.last = nn.LSTM(4, 8, batch_first=True), nn.Linear(8, 2)
        self.hidden, self.sizes = None, (1.0, [2.0])

    def forward(self, z):
        outputs, hidden = self.cells(z[:, None])
        self.hidden = tuple(part.detach() for part in hidden)
        return self.last(outputs[:, 0])


def test_a_network_may_store_tensors_in_a_tuple():
    trainer = gw.GANTrainer("ring8", generator=Recurrent(), latent_dim=4, batch_size=16)
    trainer.step(2)
    trainer.step()
    assert trainer.exact
    assert list(trainer.interventions) == []
    trainer.generator.sizes[1].append(3.0)
    trainer.step()
    assert trainer.interventions[0].new == "generator.sizes"
