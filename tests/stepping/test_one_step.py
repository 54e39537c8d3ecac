"""A step equals a plain loop written by hand, with the same latents and the same batches."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.functional import relu, softplus

from ganwidgets import GANTrainer
from ganwidgets.games.gan import draw_noise
from ganwidgets.seeds import seeded

SMALL = {
    "g_hidden": (16, 16),
    "d_hidden": (16, 16),
    "latent_dim": 2,
    "batch_size": 32,
    "beta1": 0.5,
    "beta2": 0.9,
}
ROUND_OFF = {"rtol": 1e-5, "atol": 1e-6}

LOSSES = {
    "minimax": (lambda r, f: softplus(-r).mean() + softplus(f).mean(), lambda f, r: -softplus(f).mean()),
    "non_saturating": (
        lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        lambda f, r: softplus(-f).mean(),
    ),
    "least_squares": (
        lambda r, f: ((r - 1) ** 2).mean() + (f**2).mean(),
        lambda f, r: ((f - 1) ** 2).mean(),
    ),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda f, r: -f.mean()),
    "hinge": (lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(), lambda f, r: -f.mean()),
    "relativistic": (lambda r, f: softplus(f - r).mean(), lambda f, r: softplus(r - f).mean()),
}


def slope(discriminator, at):
    at = at.detach().requires_grad_()
    return torch.autograd.grad(discriminator(at).sum(), at, create_graph=True)[0].flatten(1)


def squared(discriminator, at, weight):
    return weight / 2 * slope(discriminator, at).square().sum(1).mean()


def interpolated(discriminator, real, fake, weight, generator):
    eps = torch.rand(len(real), 1, generator=generator)
    norm = slope(discriminator, torch.lerp(fake, real, eps)).norm(dim=1)
    return weight * ((norm - 1) ** 2).mean()


PENALTIES = {
    "none": lambda d, real, fake, weight, generator: 0,
    "r1": lambda d, real, fake, weight, generator: squared(d, real, weight),
    "r2": lambda d, real, fake, weight, generator: squared(d, fake, weight),
    "r1_r2": lambda d, real, fake, weight, generator: squared(d, real, weight) + squared(d, fake, weight),
    "gradient_penalty": interpolated,
}

OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.5),
    "rmsprop": lambda p, lr: torch.optim.RMSprop(p, lr, alpha=0.9, eps=1e-8),
    "adam": lambda p, lr: torch.optim.Adam(p, lr, betas=(0.5, 0.9), foreach=False),
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr, betas=(0.5, 0.9), weight_decay=0, foreach=False),
}


class ByHand:
    """A plain training loop. It starts from the state of `trainer` and draws the same random numbers."""

    def __init__(self, trainer):
        settings = self.settings = trainer.settings
        self.G, self.D = copy.deepcopy(trainer.generator), copy.deepcopy(trainer.discriminator)
        self.order = trainer.source.order(settings.seed)
        self.noise, self.eps = seeded(settings.seed, "noise"), seeded(settings.seed, "penalty")
        self.optimizer_g = OPTIMIZERS[settings.optimizer_g](self.G.parameters(), settings.lr_g)
        self.optimizer_d = OPTIMIZERS[settings.optimizer_d](self.D.parameters(), settings.lr_d)
        self.cursor = 0
        self.G.train()
        self.D.train()

    def real(self):
        self.cursor += self.settings.batch_size
        return self.order.take(self.cursor - self.settings.batch_size, self.settings.batch_size)

    def latents(self):
        settings = self.settings
        return draw_noise(settings.noise, settings.batch_size, settings.latent_dim, self.noise)

    def update_d(self):
        settings = self.settings
        real, latents = self.real(), self.latents()
        with torch.no_grad():
            fake = self.G(latents)
        on_real, on_fake = self.D(real).flatten(), self.D(fake).flatten()
        loss = LOSSES[settings.loss][0](on_real, on_fake)
        loss = loss + PENALTIES[settings.penalty](self.D, real, fake, settings.penalty_weight, self.eps)
        self.optimizer_d.zero_grad()
        loss.backward()
        norm = math.sqrt(sum(p.grad.square().sum().item() for p in self.D.parameters()))
        self.optimizer_d.step()
        return {
            "loss_d": loss.item(),
            "grad_norm_d": norm,
            "accuracy_real": (on_real > self.threshold(on_real, on_fake)).float().mean().item(),
            "accuracy_fake": (on_fake <= self.threshold(on_real, on_fake)).float().mean().item(),
        }

    def threshold(self, on_real, on_fake):
        if self.settings.loss in {"wasserstein", "relativistic"}:
            return (on_real.mean() + on_fake.mean()) / 2
        return 0.5 if self.settings.loss == "least_squares" else 0

    def update_g(self):
        relativistic = self.settings.loss == "relativistic"
        on_real = self.D(self.real()).flatten().detach() if relativistic else None
        loss = LOSSES[self.settings.loss][1](self.D(self.G(self.latents())).flatten(), on_real)
        self.optimizer_g.zero_grad()
        loss.backward()
        norm = math.sqrt(sum(p.grad.square().sum().item() for p in self.G.parameters()))
        self.optimizer_g.step()
        return {"loss_g": loss.item(), "grad_norm_g": norm}

    def step(self, d_steps=1, g_steps=1):
        for _ in range(d_steps):
            of_d = self.update_d()
        for _ in range(g_steps):
            of_g = self.update_g()
        return {**of_d, **of_g}


def assert_equal_weights(by_hand, trainer, **tolerance):
    for mine, its in ((by_hand.G, trainer.generator), (by_hand.D, trainer.discriminator)):
        for one, other in zip(mine.parameters(), its.parameters(), strict=True):
            torch.testing.assert_close(other, one, **(tolerance or ROUND_OFF))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_loss_with_every_penalty(loss, penalty):
    trainer = GANTrainer("ring8", loss=loss, penalty=penalty, penalty_weight=0.7, **SMALL)
    by_hand = ByHand(trainer)
    for iteration in range(1, 4):
        wanted = by_hand.step()
        record = trainer.step()
        assert record.pop("iteration") == iteration
        assert record == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    assert_equal_weights(by_hand, trainer)
    assert trainer.samples_seen == by_hand.cursor == 3 * 32 * (2 if loss == "relativistic" else 1)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name):
    trainer = GANTrainer("gaussians", optimizer_g=name, optimizer_d=name, lr_g=0.01, lr_d=0.02, **SMALL)
    by_hand = ByHand(trainer)
    for _ in range(5):
        by_hand.step()
    trainer.step(5)
    assert_equal_weights(by_hand, trainer)


def test_with_the_same_optimizer_implementation_the_bits_are_equal():
    trainer = GANTrainer("ring8", **SMALL)
    by_hand = ByHand(trainer)
    for network, name in ((by_hand.G, "optimizer_g"), (by_hand.D, "optimizer_d")):
        setattr(by_hand, name, torch.optim.Adam(network.parameters(), 1e-3, betas=(0.5, 0.9), fused=True))
    trainer.change(lr_g=1e-3, lr_d=1e-3)
    for _ in range(20):
        wanted = by_hand.step()
    record = trainer.step(20)
    assert (record["loss_d"], record["loss_g"]) == (wanted["loss_d"], wanted["loss_g"])
    assert_equal_weights(by_hand, trainer, rtol=0, atol=0)


@pytest.mark.parametrize(("d_steps", "g_steps"), [(3, 1), (1, 2), (2, 3)])
@pytest.mark.parametrize("loss", ["hinge", "relativistic"])
def test_several_updates_in_a_step_use_new_noise_and_new_batches(d_steps, g_steps, loss):
    trainer = GANTrainer("ring8", d_steps=d_steps, g_steps=g_steps, loss=loss, **SMALL)
    by_hand = ByHand(trainer)
    for _ in range(3):
        wanted = by_hand.step(d_steps, g_steps)
    record = trainer.step(3)
    assert record.pop("iteration") == 3
    assert record == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    assert_equal_weights(by_hand, trainer)
    assert trainer.samples_seen == 3 * 32 * (d_steps + (g_steps if loss == "relativistic" else 0))


@pytest.mark.parametrize("noise", ["gaussian", "uniform"])
def test_both_noises_in_any_dimension(noise):
    trainer = GANTrainer("ring8", noise=noise, **{**SMALL, "latent_dim": 5})
    by_hand = ByHand(trainer)
    by_hand.step()
    trainer.step()
    assert_equal_weights(by_hand, trainer)


def test_noise_has_the_distribution_of_its_name():
    generator = torch.Generator().manual_seed(0)
    even = draw_noise("uniform", 40_000, 3, generator)
    assert even.dtype == torch.float32
    assert -1 <= even.min() < -0.99 < 0.99 < even.max() < 1
    assert even.mean().abs() < 0.01
    bell = draw_noise("gaussian", 40_000, 3, generator)
    assert bell.mean().abs() < 0.01
    assert (bell.std() - 1).abs() < 0.01


def test_updates_of_one_network_alone_equal_those_of_the_loop():
    trainer = GANTrainer("ring8", **SMALL)
    by_hand = ByHand(trainer)
    for _ in range(2):
        wanted_d = by_hand.update_d()
    wanted_g = by_hand.update_g()
    assert trainer.step_d(2)["loss_d"] == pytest.approx(wanted_d["loss_d"])
    assert trainer.step_g()["loss_g"] == pytest.approx(wanted_g["loss_g"])
    assert_equal_weights(by_hand, trainer)
    assert trainer.iteration == 0
    assert trainer.samples_seen == 64


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_logits_may_have_any_of_the_three_shapes(shape):
    class Judge(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, x):
            return self.layer(x).reshape(len(x), *shape)

    torch.manual_seed(0)
    trainer = GANTrainer("ring8", discriminator=Judge(), penalty="r1", **SMALL)
    by_hand = ByHand(trainer)
    wanted = by_hand.step()
    assert trainer.step()["loss_g"] == pytest.approx(wanted["loss_g"])
    assert_equal_weights(by_hand, trainer)


class Turned(nn.Module):
    """A linear layer whose gradients have another memory layout than its weights."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(4))

    def forward(self, x):
        return nn.functional.linear(x, self.weight.t().contiguous()) + self.bias.sum()


def channels_last_pair():
    generator = nn.Sequential(
        nn.Linear(2, 32), nn.Unflatten(1, (8, 2, 2)), nn.ConvTranspose2d(8, 1, 4, 4), nn.Tanh()
    )
    discriminator = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4))
    return [network.to(memory_format=torch.channels_last) for network in (generator, discriminator)]


def turned_pair():
    return [nn.Sequential(Turned(2, 8), nn.Tanh(), Turned(8, n)) for n in (2, 1)]


@pytest.mark.parametrize("pair", [turned_pair, channels_last_pair])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("grad_clip", [0, 1e4])
def test_gradients_may_have_another_memory_layout_than_the_weights(pair, name, grad_clip, tmp_path):
    torch.manual_seed(0)
    generator, discriminator = pair()
    data = "ring8" if pair is turned_pair else torch.rand(64, 1, 8, 8)
    rules = {"optimizer_g": name, "optimizer_d": name, "lr_g": 0.01, "lr_d": 0.02, "grad_clip": grad_clip}
    trainer = GANTrainer(data, generator=generator, discriminator=discriminator, **rules, **SMALL)
    by_hand = ByHand(trainer)
    for _ in range(6):
        by_hand.step()
    trainer.step(3)
    trainer.save(tmp_path / "middle.gan")
    trainer.step(3)
    assert_equal_weights(by_hand, trainer)
    # A file does not store the memory layout; a run loaded from it must still continue with the same bits.
    resumed = GANTrainer.load(
        tmp_path / "middle.gan", data=data, generator=pair()[0], discriminator=pair()[1]
    )
    resumed.step(3)
    assert_equal_weights(by_hand, resumed)
    assert resumed.state_hash() == trainer.state_hash()


@pytest.mark.parametrize("loss", ["non_saturating", "relativistic"])
def test_batch_norm_is_changed_only_by_updates_of_its_own_network(loss):
    def network(out):
        return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, out))

    torch.manual_seed(0)
    trainer = GANTrainer("ring8", generator=network(2), discriminator=network(1), loss=loss, **SMALL)
    by_hand = ByHand(trainer)
    trainer.step(2)
    for _ in range(2):
        kept = copy.deepcopy(dict(by_hand.G.named_buffers()))
        by_hand.update_d()
        by_hand.G.load_state_dict(kept, strict=False)
        kept = copy.deepcopy(dict(by_hand.D.named_buffers()))
        by_hand.update_g()
        by_hand.D.load_state_dict(kept, strict=False)
    assert_equal_weights(by_hand, trainer)
    for mine, its in ((by_hand.G, trainer.generator), (by_hand.D, trainer.discriminator)):
        for one, other in zip(mine.buffers(), its.buffers(), strict=True):
            torch.testing.assert_close(other, one, **ROUND_OFF)
    assert trainer.generator[1].num_batches_tracked == 2


# --- options of an update ---------------------------------------------------------------------------


def test_weight_clip_bounds_the_discriminator_only():
    trainer = GANTrainer("ring8", weight_clip=0.05, **SMALL)
    trainer.step(3)
    assert all(p.abs().max() <= 0.05 for p in trainer.discriminator.parameters())
    assert any(p.abs().max() > 0.05 for p in trainer.generator.parameters())


def test_grad_clip_shortens_the_gradient_and_reports_its_length_before():
    trainer = GANTrainer(
        "ring8", grad_clip=0.01, optimizer_d="sgd", optimizer_g="sgd", lr_d=1, lr_g=1, **SMALL
    )
    by_hand = ByHand(trainer)
    wanted = by_hand.step()
    before = [p.detach().clone() for p in trainer.discriminator.parameters()]
    record = trainer.step()
    assert record["grad_norm_d"] == pytest.approx(wanted["grad_norm_d"], rel=1e-4)
    moved = [p.detach() - b for p, b in zip(trainer.discriminator.parameters(), before, strict=True)]
    assert math.sqrt(sum(m.square().sum().item() for m in moved)) == pytest.approx(0.01, rel=1e-3)


def test_skip_d_below_skips_updates_of_d_while_its_loss_is_lower():
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    trainer = GANTrainer("ring8", discriminator=judge, **SMALL)
    trainer.step(2)
    before = copy.deepcopy(judge.state_dict())
    memory = copy.deepcopy(trainer.state_dict()["optimizers"]["discriminator"])
    g_before = copy.deepcopy(trainer.generator.state_dict())
    trainer.settings.skip_d_below = 10
    record = trainer.step(3)
    assert all(torch.equal(before[name], value) for name, value in judge.state_dict().items())
    after = trainer.state_dict()["optimizers"]["discriminator"]
    assert all(torch.equal(memory["memory"][key], after["memory"][key]) for key in memory["memory"])
    assert not torch.equal(g_before["0.weight"], trainer.generator.state_dict()["0.weight"])
    assert math.isnan(record["grad_norm_d"])
    assert math.isfinite(record["loss_d"])
    assert trainer.samples_seen == 5 * 32, "the batch that was judged was drawn"
    trainer.settings.skip_d_below = record["loss_d"] / 2
    assert math.isfinite(trainer.step()["grad_norm_d"])


def test_the_average_follows_its_formula_including_buffers():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    trainer = GANTrainer("ring8", generator=network, g_steps=2, **SMALL)
    trainer.step(2)
    mean = [p.detach().clone() for p in network.parameters()]
    trainer.settings.ema_decay = 0.75
    for _ in range(4):
        trainer.step_g()
        mean = [0.75 * m + 0.25 * p.detach() for m, p in zip(mean, network.parameters(), strict=True)]
    kept = trainer.state_dict()["networks"]["ema"]
    for (name, _), m in zip(network.named_parameters(), mean, strict=True):
        torch.testing.assert_close(kept[name], m)
    assert all(torch.equal(kept[name], buffer) for name, buffer in network.named_buffers())
    averaged, plain = trainer.sample(5, seed=1, ema=True), trainer.sample(5, seed=1)
    assert not torch.equal(averaged, plain)
    network.load_state_dict(kept)
    assert torch.equal(trainer.sample(5, seed=1), averaged)


@pytest.mark.parametrize(
    ("schedule", "rate"),
    [
        ("constant", lambda i: 0.5),
        ("linear", lambda i: 0.5 * max(1 - i / 4, 0)),
        ("cosine", lambda i: 0.25 * (1 + math.cos(math.pi * min(i / 4, 1)))),
    ],
)
def test_schedules_are_functions_of_the_iteration_also_for_updates_of_one_network(schedule, rate):
    trainer = GANTrainer(
        "ring8",
        lr_schedule=schedule,
        schedule_steps=4,
        lr_d=0.5,
        lr_g=0.25,
        optimizer_d="sgd",
        optimizer_g="sgd",
        **SMALL,
    )
    by_hand = ByHand(trainer)
    for iteration in range(6):
        by_hand.optimizer_d.param_groups[0]["lr"] = rate(iteration)
        by_hand.optimizer_g.param_groups[0]["lr"] = rate(iteration) / 2
        if iteration == 2:
            by_hand.update_d()
            trainer.step_d()
        by_hand.step()
        trainer.step()
        assert_equal_weights(by_hand, trainer)
