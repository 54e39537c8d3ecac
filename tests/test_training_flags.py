"""Updates run in train mode whatever flags the user set, and every flag keeps the user's value."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganwidgets import GANTrainer


class Frozen(nn.BatchNorm2d):
    """Batch norm that stays in eval mode."""

    def train(self, mode=True):
        return super().train(False)


class Switching(nn.Module):
    """Its `train` method changes more state than the flag."""

    def __init__(self):
        super().__init__()
        self.scale = 2.0
        self.weight = nn.Parameter(torch.ones(1))
        self.norm = Frozen(4)

    def train(self, mode=True):
        self.scale = 2.0 if mode else 0.5
        return super().train(mode)

    def forward(self, x):
        return self.norm(x) * self.scale * self.weight


class Merging(nn.Module):
    """Its `train` method writes to its weight, like layers that merge a correction for eval mode."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), 0.7))
        self.correction = nn.Parameter(torch.full((1,), 0.1))
        self.merged = False

    def train(self, mode=True):
        if mode == self.merged:
            with torch.no_grad():
                self.weight.add_(self.correction if not mode else -self.correction)
            self.merged = not mode
        return super().train(mode)

    def forward(self, x):
        return x * (self.weight if self.merged else self.weight + self.correction)


def made(inside=nn.Identity):
    draw = torch.Generator().manual_seed(3)
    generator = nn.Sequential(
        nn.Linear(3, 64),
        nn.Unflatten(1, (4, 4, 4)),
        nn.Sequential(nn.BatchNorm2d(4), nn.Dropout(0.2)),
        inside(),
        nn.ConvTranspose2d(4, 1, 4, 2, 1),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, 4, 4, 2, 1), nn.BatchNorm2d(4), nn.Dropout(0.2), inside(), nn.Flatten(), nn.Linear(64, 1)
    )
    with torch.no_grad():
        for network in (generator, discriminator):
            for parameter in network.parameters():
                parameter.uniform_(-0.3, 0.3, generator=draw)
    return GANTrainer("digits", generator=generator, discriminator=discriminator, latent_dim=3, batch_size=8)


def flags(trainer):
    return [m.training for n in (trainer.generator, trainer.discriminator) for m in n.modules()]


INSIDES = {"nothing": nn.Identity, "frozen": lambda: Frozen(4), "switching": Switching, "merging": Merging}


@pytest.mark.parametrize("inside", INSIDES)
@settings(deadline=None, max_examples=12)
@given(chosen=st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=6), by_name=st.booleans())
def test_any_subset_of_modules_may_be_in_eval_mode(inside, chosen, by_name):
    if inside == "merging":
        chosen = []  # Calling eval() by hand writes to its weight, which is an edit.
    plain, trainer = made(INSIDES[inside]), made(INSIDES[inside])
    for number, mode in chosen:
        modules = [m for n in (trainer.generator, trainer.discriminator) for m in n.modules()]
        module = modules[number % len(modules)]
        if by_name and not isinstance(module, Switching):
            module.training = mode
        else:
            module.train(mode)
        before = flags(trainer)
        trainer.step(2)
        trainer.sample(3, seed=0)
        trainer.step_g()
        trainer.timeline.goto(trainer.iteration)
        assert flags(trainer) == before
        plain.step(2)
        plain.step_g()
        plain.timeline.goto(plain.iteration)
    trainer.step()
    plain.step()
    assert trainer.state_hash() == plain.state_hash()


@pytest.mark.parametrize("inside", INSIDES)
def test_watching_leaves_no_trace(inside):
    plain, trainer = made(INSIDES[inside]), made(INSIDES[inside])
    for watched in (trainer, None):
        for _ in range(3):
            if watched:
                watched.sample(4, seed=0)
                watched.evaluate(20, features="pixels")
            (watched or plain).step()
    assert trainer.state_hash() == plain.state_hash()


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_failing_update_restores_the_flags(network):
    trainer = made()
    trainer.step(2)
    getattr(trainer, network).eval()
    before = flags(trainer)

    def fail(*_):
        raise RuntimeError("no")

    handle = getattr(trainer, network)[0].register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="no"):
        trainer.step()
    handle.remove()
    assert flags(trainer) == before


@pytest.mark.parametrize("how", ["layers", "whole", "nested"])
def test_features_from_the_discriminators_layers_keep_its_flags(how):
    plain, trainer = made(), made()
    body = {
        "layers": lambda d: nn.Sequential(*d[:-1]),
        "whole": lambda d: d,
        "nested": lambda d: nn.Sequential(nn.Identity(), nn.ModuleList([d[:-1]])[0]),
    }[how]
    trainer.features = body(trainer.discriminator)
    before = flags(trainer)
    first = trainer.evaluate(40)
    trainer.neighbors(trainer.sample(2, seed=0))
    assert flags(trainer) == before
    trainer.step(3)
    plain.step(3)
    assert trainer.state_hash() == plain.state_hash()
    assert trainer.evaluate(40)["frechet"] != first["frechet"]


def test_features_from_another_network_keep_its_flags():
    trainer = made()
    features = nn.Sequential(nn.Dropout(0.5), nn.Flatten())
    features[0].eval()
    trainer.evaluate(40, features=features)
    assert [m.training for m in features.modules()] == [True, False, True]


def test_a_reset_and_time_travel_keep_the_flags():
    trainer = made()
    trainer.step(2)
    trainer.generator.eval()
    before = flags(trainer)
    trainer.reset(seed=3)
    trainer.step()
    trainer.timeline.switch("main")
    assert flags(trainer) == before
