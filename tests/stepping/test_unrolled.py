"""Unrolled GANs: the generator's gradient through D's next updates equals closed forms and finite differences."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import softplus
from traitlets import TraitError

from ganwidgets import DataError, GANTrainer
from ganwidgets.games.gan import draw_noise
from ganwidgets.objectives import PENALTIES
from ganwidgets.seeds import seeded

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")

POINT = np.zeros((8, 1), np.float32)


class Theta(nn.Module):
    """The generator of the Dirac-GAN: one point for any noise."""

    def __init__(self, theta):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([theta]))

    def forward(self, z):
        return self.theta.expand(len(z), 1)


class Psi(nn.Module):
    """Its discriminator, D(x) = psi x."""

    def __init__(self, psi):
        super().__init__()
        self.psi = nn.Parameter(torch.tensor([psi]))

    def forward(self, x):
        return x @ self.psi


def dirac(theta=1.0, psi=0.5, **settings):
    plain = {"optimizer_d": "sgd", "optimizer_g": "sgd", "loss": "wasserstein", "lr_d": 0.1, "lr_g": 0.2}
    return GANTrainer(
        POINT,
        generator=Theta(theta),
        discriminator=Psi(psi),
        latent_dim=1,
        batch_size=4,
        **{**plain, **settings},
    )


@pytest.mark.parametrize("steps", [0, 1, 3, 10])
def test_the_dirac_gans_gradient_equals_the_closed_form(steps):
    """Wasserstein: k updates turn psi into psi - k h theta, so that L_G = -(psi - k h theta) theta."""
    trainer = dirac(unroll_steps=steps)
    record = trainer.step_g()
    assert record["loss_g"] == pytest.approx(-(0.5 - steps * 0.1 * 1.0) * 1.0, abs=1e-6)
    slope = -0.5 + 2 * steps * 0.1 * 1.0
    assert trainer.generator.theta.item() == pytest.approx(1.0 - 0.2 * slope, abs=1e-6)
    assert trainer.discriminator.psi.item() == 0.5


def test_with_r1_the_closed_form_decays_and_lazy_updates_are_included():
    """R1 adds gamma psi to psi's gradient: psi' = (1 - h gamma) psi - h theta; lazily, 2 gamma every other time."""
    h, gamma, theta = 0.1, 0.7, 1.0
    psi = slope = 0.0
    for due in (True, False, True):
        shrink = 1 - h * gamma * 2 * due
        psi, slope = shrink * psi - h * theta, shrink * slope - h
    trainer = dirac(psi=0.0, unroll_steps=3, penalty="r1", penalty_weight=gamma, penalty_interval=2)
    trainer.step_g()
    assert trainer.generator.theta.item() == pytest.approx(theta + 0.2 * (psi + slope * theta), abs=1e-6)


def test_unrolling_makes_the_dirac_gan_converge_which_otherwise_cycles():
    ends = {}
    for steps in (0, 5):
        trainer = dirac(unroll_steps=steps)
        trainer.step(300)
        ends[steps] = abs(trainer.generator.theta.item()) + abs(trainer.discriminator.psi.item())
    assert ends[0] > 0.5
    assert ends[5] < 1e-3


class Double(nn.Module):
    """A small network in double precision, with a weight that gets no gradient."""

    def __init__(self, *widths, seed):
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        self.layers = nn.ParameterList(
            torch.randn(a, b, generator=draw, dtype=torch.float64) / a**0.5 for a, b in pairwise(widths)
        )

    def forward(self, x):
        x = x.double()
        for number, layer in enumerate(self.layers):
            x = (x.tanh() if number else x) @ layer
        return x


OPTIMIZERS = {
    "sgd": lambda p, s: torch.optim.SGD(p, s.lr_d),
    "momentum": lambda p, s: torch.optim.SGD(p, s.lr_d, momentum=s.beta1),
    "rmsprop": lambda p, s: torch.optim.RMSprop(p, s.lr_d, alpha=s.beta2),
    "adam": lambda p, s: torch.optim.Adam(p, s.lr_d, betas=(s.beta1, s.beta2)),
    "adamw": lambda p, s: torch.optim.AdamW(p, s.lr_d, betas=(s.beta1, s.beta2), weight_decay=s.weight_decay),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"loss": "relativistic", "penalty": "r1_r2", "penalty_weight": 0.1},
        {"grad_clip": 0.05, "weight_clip": 0.4},
        {"packing": 2},
    ],
    ids=["plain", "relativistic with R1 and R2", "clipped", "packed"],
)
def test_the_gradient_equals_finite_differences_through_real_updates(optimizer, more):
    """Beside a loop that lets torch's own optimizer update a copy of D three times, for each moved weight of G."""
    settings = {"lr_d": 0.01, "beta1": 0.6, "beta2": 0.9, **more}
    trainer = GANTrainer(
        "ring8",
        generator=Double(2, 3, 2, seed=1),
        discriminator=Double(2 * more.get("packing", 1), 4, 1, seed=2),
        latent_dim=2,
        batch_size=6,
        optimizer_d=optimizer,
        optimizer_g="sgd",
        lr_g=1.0,
        unroll_steps=3,
        **settings,
    )
    rules, packing = trainer.settings, more.get("packing", 1)
    noise = draw_noise("gaussian", 6, 2, seeded(0, "noise"))
    real = trainer.source.order(0).take(0, 6).reshape(6 // packing, -1)
    G, D = copy.deepcopy(trainer.generator), copy.deepcopy(trainer.discriminator)

    def loss_g():
        fake, judge = G(noise).detach().reshape(6 // packing, -1), copy.deepcopy(D)
        descent = OPTIMIZERS[optimizer](judge.parameters(), rules)
        for _ in range(3):
            on_real, on_fake = judge(real).flatten(), judge(fake).flatten()
            if rules.loss == "relativistic":
                loss = softplus(on_fake - on_real).mean()
                loss = loss + PENALTIES["r1_r2"](judge, real, fake, 0.1, seeded(0))
            else:
                loss = softplus(-on_real).mean() + softplus(on_fake).mean()
            descent.zero_grad()
            loss.backward()
            if rules.grad_clip:
                nn.utils.clip_grad_norm_(judge.parameters(), rules.grad_clip)
            descent.step()
            if rules.weight_clip:
                with torch.no_grad():
                    for parameter in judge.parameters():
                        parameter.clamp_(-rules.weight_clip, rules.weight_clip)
        on_real, on_fake = judge(real).flatten(), judge(fake).flatten()
        if rules.loss == "relativistic":
            return softplus(on_real - on_fake).mean().item()
        return softplus(-on_fake).mean().item()

    before = [p.detach().clone() for p in trainer.discriminator.parameters()]
    record = trainer.step_g()
    assert record["loss_g"] == pytest.approx(loss_g(), rel=1e-9)
    assert all(map(torch.equal, before, trainer.discriminator.parameters()))
    assert trainer.samples_seen == 6
    for mine, its in zip(G.parameters(), trainer.generator.parameters(), strict=True):
        slope = mine.detach() - its.detach()
        for index in range(mine.numel()):
            values = []
            for step in (1e-4, -2e-4):
                with torch.no_grad():
                    mine.view(-1)[index] += step
                values.append(loss_g())
            with torch.no_grad():
                mine.view(-1)[index] += 1e-4
            assert slope.view(-1)[index].item() == pytest.approx(
                (values[0] - values[1]) / 2e-4, rel=1e-4, abs=1e-7
            )


@pytest.mark.parametrize("freeze", ["freeze_d", "freeze_g", None])
def test_the_state_of_d_is_restored_bit_for_bit_with_buffers_and_moments(freeze):
    judge = nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 8)),
        nn.BatchNorm1d(8),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.2),
        nn.Linear(8, 1),
    )
    trainer = GANTrainer("ring8", discriminator=judge, unroll_steps=2, penalty_interval=5, batch_size=8)
    trainer.step(3)
    if freeze is not None:
        trainer.change(**{freeze: True})
    before = trainer.state_dict()
    trainer.step_g(2)
    after = trainer.state_dict()
    for part in ("networks", "optimizers"):
        mine, its = (state[part]["discriminator"] for state in (before, after))
        mine, its = (state.get("memory", state) for state in (mine, its))
        assert mine.keys() == its.keys()
        assert all(torch.equal(mine[name], its[name]) for name in mine)
    assert after["d_updates"] == before["d_updates"] == 3


def test_a_frozen_d_is_not_unrolled():
    """A frozen D does not respond to G, so there are no updates to unroll."""
    trainers = [dirac(freeze_d=True, unroll_steps=steps) for steps in (0, 5)]
    for trainer in trainers:
        trainer.step(3)
    assert trainers[0].generator.theta.item() == trainers[1].generator.theta.item()
    assert trainers[0].samples_seen == trainers[1].samples_seen


def test_a_layer_without_third_derivatives_is_explained_and_the_run_is_unchanged():
    judge = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    settings = {"discriminator": judge, "unroll_steps": 2, "batch_size": 8}
    remedy = "set penalty to 'none', unroll_steps to 0, or start afresh with norm"
    with pytest.raises(DataError, match=remedy):
        GANTrainer("ring8", **settings, penalty="r1")
    trainer = GANTrainer("ring8", **settings)
    before = trainer.state_hash()
    with pytest.raises(TraitError, match=remedy):
        trainer.settings.penalty = "r1"
    assert trainer.state_hash() == before
    trainer.step()
