"""Optional parts of a frame: correct, computed only on request, and without effect on the run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_trainer import PATIENCE
from torch import nn

from ganwidgets import GANTrainer
from ganwidgets.live import Camera, Runner
from ganwidgets.live.observations import OBSERVATIONS, Focus, generator
from ganwidgets.objectives import LOSSES
from ganwidgets.runs.inspect.sampling import sample

EVERYTHING = frozenset(OBSERVATIONS)


@pytest.fixture
def watch():
    """Return a function that creates a trainer, its runner and a camera with all parts requested."""
    runners = []

    def make(*arguments, wanted=EVERYTHING, **settings):
        trainer = GANTrainer(*arguments, **{"g_hidden": (16,), "d_hidden": (16,), **settings})
        runners.append(Runner.of(trainer))
        camera = Camera(runners[-1])
        camera.request = replace(camera.request, wanted=frozenset(wanted))
        return trainer, runners[-1], camera

    yield make
    for runner in runners:
        runner.close()


def step(runner, n=20):
    runner.step(n)
    runner.wait(timeout=PATIENCE)


def test_unrequested_parts_are_not_computed(watch):
    trainer, _, camera = watch("ring8", wanted=())
    assert dict(camera.take().seen) == {}
    calls = []
    trainer.discriminator.register_forward_hook(lambda *_: calls.append("D"))
    trainer.generator.register_forward_hook(lambda *_: calls.append("G"))
    camera.take()
    alone = len(calls)
    calls.clear()
    camera.request = replace(camera.request, wanted=frozenset({"latents"}))
    assert set(camera.take().seen) == {"latents"}
    assert len(calls) == alone
    calls.clear()
    camera.request = replace(camera.request, wanted=frozenset({"manifold"}))
    assert set(camera.take().seen) == {"manifold"}
    assert len(calls) == alone + 1


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        ("ring8", {"loss": "relativistic", "noise": "uniform"}),
        ("digits", {"latent_dim": 4}),
        ("ring8", {"activation": "relu", "penalty": "r1"}),
    ],
)
def test_a_run_with_all_parts_requested_ends_in_the_same_bits(watch, data, settings):
    settings = {"batch_size": 32, **settings}
    alone = GANTrainer(data, g_hidden=(16,), d_hidden=(16,), **settings)
    trainer, runner, camera = watch(data, **settings)
    runner.play(until=120)
    while camera.take().iteration < 120:
        torch.randn(3)
    runner.wait(120, timeout=PATIENCE)
    alone.step(120)
    assert trainer.state_hash() == alone.state_hash()


class Normed(nn.Module):
    """A discriminator with batch norm and dropout, whose state would change if frames ran in train mode."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, 16), nn.BatchNorm1d(16), nn.LeakyReLU(), nn.Dropout(), nn.Linear(16, 1)
        )

    def forward(self, x):
        return self.layers(x)


def test_frames_leave_buffers_modes_and_gradients_unchanged(watch):
    torch.manual_seed(0)
    trainer, runner, camera = watch("ring8", discriminator=Normed())
    step(runner)
    before = trainer.state_hash()
    one, other = camera.take(), camera.take()
    assert trainer.state_hash() == before
    assert all(module.training for module in trainer.discriminator.modules())
    assert all(p.grad is None for p in trainer.discriminator.parameters())
    assert np.array_equal(one.seen["gradients"].descent, other.seen["gradients"].descent)
    assert np.array_equal(one.seen["scores"].real_logits, other.seen["scores"].real_logits)


@pytest.mark.parametrize("loss", LOSSES)
def test_arrows_equal_the_descent_direction_by_finite_differences(watch, loss):
    trainer, runner, camera = watch(
        "ring8", loss=loss, activation="tanh", wanted={"gradients"}, discriminator=Smooth()
    )
    step(runner, 30)
    frame = camera.take()
    x, real = torch.tensor(frame.generated).double(), torch.tensor(frame.real).double()
    discriminator = Smooth().double()
    discriminator.load_state_dict(trainer.discriminator.state_dict())
    discriminator.eval()
    against = discriminator(real).reshape(-1) if LOSSES[loss].needs_real else None

    def loss_g(samples):
        with torch.no_grad():
            return LOSSES[loss].loss_g(discriminator(samples).reshape(-1), against).item()

    n, h = len(x), 1e-5
    for index in (0, 7, n - 1):
        for coordinate in (0, 1):
            move = torch.zeros_like(x)
            move[index, coordinate] = h
            by_differences = -n * (loss_g(x + move) - loss_g(x - move)) / (2 * h)
            seen = frame.seen["gradients"].descent[index, coordinate]
            assert seen == pytest.approx(by_differences, rel=1e-3, abs=1e-5)


class Smooth(nn.Module):
    """A smooth discriminator, so that finite differences are accurate."""

    def __init__(self):
        super().__init__()
        self.inside, self.outside = nn.Linear(2, 16), nn.Linear(16, 1)

    def forward(self, x):
        return self.outside(torch.tanh(self.inside(x)))


def test_arrows_of_d_differ_from_those_of_the_loss_under_minimax(watch):
    trainer, runner, camera = watch("ring8", loss="minimax", wanted={"gradients"})
    step(runner, 10)
    frame = camera.take()
    gradients = frame.seen["gradients"]
    x = torch.tensor(frame.generated, requires_grad=True)
    (slope,) = torch.autograd.grad(trainer.discriminator(x).sum(), x)
    assert np.allclose(gradients.slope, slope.numpy(), atol=1e-6)
    # -d(-softplus(D))/dx = sigma(D) dD/dx: the same direction, another length
    sure = torch.sigmoid(trainer.discriminator(x)).detach().reshape(-1, 1).numpy()
    assert np.allclose(gradients.descent, sure * gradients.slope, atol=1e-6)


@pytest.mark.parametrize(("noise", "share"), [("uniform", 1 / 400), ("gaussian", (0.99 / 20) ** 2)])
def test_manifold_cells_are_the_generators_values_at_cells_of_equal_probability(watch, noise, share):
    trainer, runner, camera = watch("ring8", noise=noise, latent_dim=2, wanted={"manifold"})
    step(runner)
    manifold = camera.take().seen["manifold"]
    assert manifold.corners.shape == manifold.latents.shape == (21, 21, 2)
    assert manifold.share == pytest.approx(share)
    assert not manifold.sliced
    trainer.generator.eval()
    for row, column in ((0, 0), (3, 17), (20, 20)):
        with torch.no_grad():
            made = trainer.generator(torch.tensor(manifold.latents[row, column][None]))
        assert np.allclose(made.numpy()[0], manifold.corners[row, column], atol=1e-6)
    z = np.random.default_rng(0).normal(size=400_000) if noise == "gaussian" else None
    z = np.random.default_rng(0).uniform(-1, 1, 400_000) if z is None else z
    marks = manifold.latents[0, :, 0]
    assert np.allclose(np.histogram(z, marks)[0] / len(z), np.sqrt(share), rtol=0.05)


def test_the_manifold_is_a_slice_for_high_dimensional_noise_and_a_line_for_one_dimension(watch):
    _, _, camera = watch("ring8", latent_dim=5, wanted={"manifold"})
    manifold = camera.take().seen["manifold"]
    assert manifold.sliced
    assert (manifold.latents[..., 2:] == 0).all()
    _, _, camera = watch("ring8", latent_dim=1, wanted={"manifold"})
    manifold = camera.take().seen["manifold"]
    assert manifold.corners.shape == (1, 21, 2)
    assert manifold.latents.shape == (1, 21, 1)


def test_latents_reproduce_the_samples_and_scores_equal_the_verdict(watch):
    trainer, runner, camera = watch("ring8", wanted={"latents", "scores"})
    step(runner)
    frame = camera.take()
    with torch.no_grad():
        made = trainer.generator(torch.tensor(frame.seen["latents"]))
        logits = trainer.discriminator(torch.tensor(frame.generated)).reshape(-1)
    assert np.allclose(made.numpy(), frame.generated, atol=1e-6)
    scores = frame.seen["scores"]
    assert np.allclose(scores.generated_logits, logits.numpy(), atol=1e-6)
    assert np.allclose(scores.generated, logits.sigmoid().numpy(), atol=1e-6)
    assert scores.real.shape == (500,)


def test_images_have_gradients_of_their_own_shape_and_no_manifold(watch):
    _, runner, camera = watch("digits", batch_size=32)
    step(runner, 2)
    seen = camera.take().seen
    assert set(seen) == {"latents", "scores", "gradients", "crowd", "slice", "scales"}
    assert seen["scales"] is None, "these networks have one resolution"
    assert seen["gradients"].descent.shape == (9, 1, 8, 8), "as many as are drawn: they cost much"


@pytest.mark.parametrize("latent_dim", [1, 5])
def test_a_latent_plane_contains_the_generators_samples(watch, latent_dim):
    trainer, _, camera = watch("digits", batch_size=32, latent_dim=latent_dim, wanted={"latents", "slice"})
    seen = camera.take().seen
    ends = torch.tensor(seen["latents"][:2])
    right, middle = (ends[0], 0 * ends[0]) if latent_dim > 1 else (torch.tensor([0.25]), torch.tensor([0.0]))
    with torch.no_grad():
        made = trainer.generator(torch.stack([middle, right])).reshape(2, 1, 8, 8) / 2 + 0.5
    assert seen["slice"].shape == (9, 1, 8, 8)
    assert np.allclose(seen["slice"][[4, 5]], made.numpy(), atol=1e-6)


def test_parts_that_no_page_draws_are_skipped_but_stay_requested(watch):
    _, runner, camera = watch("ring8", wanted={"trails", "manifold"})
    camera.take()
    step(runner, 1)
    camera.request = replace(camera.request, skipped=frozenset({"trails"}))
    assert set(camera.take().seen) == {"manifold"}
    step(runner, 1)
    camera.request = replace(camera.request, skipped=frozenset())
    assert camera.take().seen["trails"].iterations.tolist() == [0]


class Clock:
    """A clock that advances only when a test spends time."""

    now = 100.0

    def monotonic(self):
        return self.now

    def spend(self, *_):
        self.now += 1


def test_a_crowd_is_recomputed_only_after_a_step_and_rarely_if_it_is_slow(watch, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("ganwidgets.live.observations.generator.time", clock)
    trainer, runner, camera = watch("digits", batch_size=32, wanted={"crowd"})

    def crowd():
        return camera.take().seen["crowd"]

    first = crowd()
    assert first.real.shape == first.generated.shape == (200, 1, 8, 8)
    assert crowd() is first, "nothing has moved"
    step(runner, 3)
    second = crowd()
    assert second.iteration == 3
    assert second.real is first.real
    assert np.array_equal(second.generated, trainer.sample(200, seed=0).numpy())
    step(runner, 1)
    with monkeypatch.context() as costly:
        costly.setattr(generator, "generated_as_drawn", lambda *what: clock.spend() or sample(*what))
        third = crowd()
    step(runner, 1)
    clock.now += 15
    assert crowd() is third, "it took a second, so it may be made each twenty"
    clock.now += 6
    assert crowd().iteration == 5


def test_trails_connect_the_frames_taken(watch):
    _, runner, camera = watch("ring8", wanted={"trails"})
    frames = []
    for _ in range(11):
        frames.append(camera.take())
        step(runner, 5)
    frames.append(camera.take())
    trail = frames[-1].seen["trails"]
    assert len(trail.iterations) == 8
    assert (trail.iterations[0], trail.iterations[-1]) == (0, 50)
    for iteration, places in zip(trail.iterations, trail.positions, strict=True):
        assert np.array_equal(places, frames[iteration // 5].generated)
    assert list(camera.take().seen["trails"].iterations) == list(trail.iterations), "nothing has moved"


def test_trails_have_the_requested_length(watch):
    _, runner, camera = watch("ring8", wanted={"trails"})
    for _ in range(100):
        camera.take()
        step(runner, 1)
    for back in (1, 2, 5, 20, 70):
        camera.request = replace(camera.request, focus=Focus(trail=back))
        trail = camera.take().seen["trails"]
        known = 100 - trail.iterations[0]
        assert back <= known <= 1.1 * back, "64 moments are remembered, ever fewer the longer ago they are"
        assert trail.iterations[-1] == 99
        assert (np.diff(trail.iterations) > 0).all()


def test_a_close_up_is_the_verdict_on_a_part_of_the_plane(watch):
    trainer, _, camera = watch("ring8", wanted={"verdict", "close_up"}, loss="non_saturating")
    frame = camera.take()
    assert frame.seen["close_up"] is None
    assert frame.verdict is frame.seen["verdict"]
    camera.request = replace(camera.request, focus=Focus(window=(0.25, 0.5, -0.5, -0.25)))
    close = camera.take().seen["close_up"]
    assert close.extent == (0.25, 0.5, -0.5, -0.25)
    corner = torch.tensor([[0.25 + 0.25 / 128, -0.5 + 0.25 / 128]])
    with torch.no_grad():
        expected = torch.sigmoid(trainer.discriminator(corner)).item()
    assert close.verdict.shape == (64, 64)
    assert close.verdict[0, 0] == pytest.approx(expected, abs=1e-6)
    camera.request = replace(camera.request, wanted=frozenset())
    assert camera.take().verdict is None
    assert camera.take(also={"verdict"}).verdict is not None


def test_a_trail_is_cut_when_the_run_goes_back(watch):
    _, runner, camera = watch("ring8", wanted={"trails"})
    for _ in range(3):
        camera.take()
        step(runner, 10)
    camera.take()
    runner.goto(15)
    runner.wait(timeout=PATIENCE)
    assert list(camera.take().seen["trails"].iterations) == [0, 10]
    runner.reset()
    runner.wait(timeout=PATIENCE)
    assert len(camera.take().seen["trails"].iterations) == 0


def test_an_unrequested_trail_is_not_stored(watch):
    _, runner, camera = watch("ring8", wanted={"trails"})
    camera.take()
    step(runner)
    camera.request = replace(camera.request, wanted=frozenset())
    camera.take()
    step(runner)
    camera.request = replace(camera.request, wanted=frozenset({"trails"}))
    assert len(camera.take().seen["trails"].iterations) == 0
