"""Frames contain the state of the run, and taking a frame does not change it."""

from __future__ import annotations

import dataclasses
import itertools
import math
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_trainer import PATIENCE
from torch import nn

from ganwidgets import GANTrainer
from ganwidgets.errors import DataError
from ganwidgets.live import Camera, Runner
from ganwidgets.live.frames import camera as frames
from ganwidgets.live.frames.cpu_share import CpuShare
from ganwidgets.live.frames.metric_sampler import Measured, MetricSampler, Series
from ganwidgets.messages import Message
from ganwidgets.objectives import LOSSES


@pytest.fixture
def watch():
    """Return a function that makes a trainer, its runner and a camera."""
    runners = []

    def make(*arguments, **settings):
        trainer = GANTrainer(*arguments, **{"g_hidden": (16,), "d_hidden": (16,), **settings})
        runners.append(Runner.of(trainer))
        return trainer, runners[-1], Camera(runners[-1])

    yield make
    for runner in runners:
        runner.close()


def step(runner, n=20):
    runner.step(n)
    runner.wait(timeout=PATIENCE)


def same(one, other):
    """Return True if two frames show the same state of the run; their speed may differ."""
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name in {"losses", "metrics", "seen"}:
            assert a.keys() == b.keys()
            assert all(
                np.array_equal(x, y, equal_nan=True) for n in a for x, y in zip(a[n], b[n], strict=True)
            )
        elif isinstance(a, np.ndarray):
            assert np.array_equal(a, b)
        elif field.name != "steps_per_second":
            assert a == b, field.name
    return True


def test_a_frame_before_the_first_step(watch):
    _, _, camera = watch("ring8")
    frame = camera.take()
    assert (frame.iteration, frame.status, frame.kind, frame.shape) == (0, "idle", "points", (2,))
    assert frame.real.shape == frame.generated.shape == (500, 2)
    assert frame.real.dtype == frame.generated.dtype == frame.verdict.dtype == np.float32
    assert all(len(iterations) == 0 for iterations, *_ in frame.losses.values())
    assert dict(frame.record) == {}


def test_a_frame_after_some_steps(watch):
    trainer, runner, camera = watch("ring8")
    step(runner, 25)
    frame = camera.take(complete=True)
    assert (frame.iteration, frame.status, frame.record["iteration"]) == (25, "paused", 25)
    iterations, low, mean, high = frame.losses["loss_d"]
    assert list(iterations) == list(range(1, 26))
    assert np.array_equal(mean, trainer.history["loss_d"])
    assert np.array_equal(low, high)
    assert frame.exact


def test_real_points_latents_and_extent_are_constant_over_a_run(watch):
    trainer, runner, camera = watch("ring8")
    before = camera.take()
    step(runner)
    after = camera.take()
    assert np.array_equal(before.real, after.real)
    assert before.extent == after.extent
    assert not np.array_equal(before.generated, after.generated)
    assert np.array_equal(after.generated, trainer.sample(500, seed=0).numpy())
    assert same(camera.take(complete=True), camera.take(complete=True))


def test_the_plane_is_a_square_a_quarter_larger_than_the_real_points(watch):
    points = np.array([[0, 0], [4, 1], [2, 3]], dtype=np.float32)
    _, _, camera = watch(np.repeat(points, 200, axis=0))
    assert camera.take().extent == pytest.approx((-0.5, 4.5, -1.0, 4.0))


def test_a_single_point_gets_a_plane_around_it(watch):
    _, _, camera = watch(np.full((300, 2), 3.0, dtype=np.float32))
    assert camera.take().extent == pytest.approx((2, 4, 2, 4))


class Compass(nn.Module):
    """Returns a high logit in the upper right corner only."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.weight * 20 * torch.minimum(x[:, 0] - 0.5, x[:, 1] - 0.5)


def test_the_verdicts_first_row_is_at_the_bottom_and_its_first_column_on_the_left(watch):
    _, _, camera = watch("ring8", discriminator=Compass())
    verdict = camera.take().verdict
    assert verdict.shape == (64, 64)
    assert verdict[-1, -1] > 0.9
    assert max(verdict[0, 0], verdict[0, -1], verdict[-1, 0]) < 0.1


@pytest.mark.parametrize("loss", LOSSES)
def test_the_verdict_is_between_0_and_1_under_every_loss(watch, loss):
    _, runner, camera = watch("ring8", loss=loss)
    step(runner)
    verdict = camera.take().verdict
    assert np.isfinite(verdict).all()
    assert verdict.min() >= 0
    assert verdict.max() <= 1


@pytest.mark.parametrize("features", [1, 3])
def test_without_points_on_the_plane_there_is_no_verdict(watch, features):
    data = np.random.default_rng(0).normal(size=(400, features)).astype(np.float32)
    _, runner, camera = watch(data)
    step(runner, 3)
    frame = camera.take(complete=True)
    assert (frame.verdict, frame.extent) == (None, None)
    assert frame.generated.shape == frame.real.shape == (400, features)
    assert "sliced_wasserstein" in frame.latest_metrics


def test_image_frames_have_25_pictures_between_0_and_1(watch):
    _, runner, camera = watch("digits")
    step(runner, 3)
    frame = camera.take(complete=True)
    assert (frame.kind, frame.shape) == ("images", (1, 8, 8))
    for pictures in (frame.real, frame.generated):
        assert pictures.shape == (25, 1, 8, 8)
        assert pictures.min() >= 0
        assert pictures.max() <= 1
    assert (frame.verdict, frame.extent) == (None, None)


class Broken(nn.Module):
    """Returns non-finite samples in eval mode, which frames use."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, z):
        return self.layer(z) if self.training else self.layer(z) * float("nan")


@pytest.mark.parametrize("loss", ["non_saturating", "wasserstein"])
def test_a_generator_with_non_finite_samples_does_not_break_the_camera(watch, loss):
    _, runner, camera = watch("ring8", generator=Broken(), latent_dim=2, loss=loss)
    step(runner, 3)
    frame = camera.take(complete=True)
    assert np.isnan(frame.generated).all()
    assert np.isfinite(frame.verdict).all()
    assert frame.latest_metrics["modes"] == 0


def test_frames_contain_copies(watch):
    trainer, runner, camera = watch("ring8")
    step(runner)
    state, frame = trainer.state_hash(), camera.take()
    for array in (frame.generated, frame.verdict, *(a for curve in frame.losses.values() for a in curve)):
        array.fill(7)
    assert trainer.state_hash() == state
    assert not (camera.take().generated == 7).any()
    assert not (camera.take().losses["loss_d"][2] == 7).any()


# --- metrics ----------------------------------------------------------------------------------------


def test_metrics_in_frames_equal_those_of_evaluate(watch):
    trainer, runner, camera = watch("ring8")
    step(runner)
    frame = camera.take(complete=True)
    assert dict(frame.latest_metrics) == trainer.evaluate()
    assert dict(frame.floors) == trainer.floors()
    for name, (iterations, values) in frame.metrics.items():
        assert (list(iterations), list(values)) == ([20], [frame.latest_metrics[name]])


def test_metric_series_follow_the_run_and_are_dropped_at_a_reset(watch):
    trainer, runner, camera = watch("ring8")
    for _ in range(3):
        step(runner, 5)
        frame = camera.take(complete=True)
    assert list(frame.metrics["jensen_shannon"][0]) == [5, 10, 15]
    floors = frame.floors
    runner.reset()
    runner.wait(timeout=PATIENCE)
    frame = camera.take()
    assert all(len(iterations) == 0 or iterations[-1] == 0 for iterations, _ in frame.metrics.values())
    assert frame.floors == floors
    trainer.settings.data = "grid25"
    runner.reset()
    step(runner, 1)
    frame = camera.take(complete=True)
    assert frame.floors["modes"] == 25
    assert list(frame.metrics["modes"][0])[-1] == 1


def test_a_generator_step_is_measured_again(watch):
    trainer, runner, camera = watch("ring8")
    step(runner)
    before = camera.take(complete=True)
    runner.step(30, "generator")
    runner.wait(timeout=PATIENCE)
    after = camera.take(complete=True)
    assert list(after.metrics["jensen_shannon"][0]) == [20]
    assert before.latest_metrics != after.latest_metrics == trainer.evaluate()


def test_a_complete_frame_is_refused_if_it_would_deadlock(watch):
    _, runner, camera = watch("ring8")
    with pytest.raises(RuntimeError, match="itself"):
        runner.call(lambda: camera.take(complete=True))


def test_no_iteration_is_measured_twice_or_too_often():
    now = 1000.0
    metric_sampler = MetricSampler(clock=lambda: now)
    samples = np.zeros((5, 2), dtype=np.float32)
    assert metric_sampler.due(3, samples)
    metric_sampler.measure(3, samples, dict, dict, 0.1)
    metric_sampler.settle()
    now += 10
    assert not metric_sampler.due(3, samples)
    assert metric_sampler.due(3, samples + 1)
    metric_sampler.measure(4, samples, dict, dict, 0.1)
    metric_sampler.settle()
    now += 1.5
    assert not metric_sampler.due(5, samples), (
        "drawing the samples took a tenth of a second, so not each second"
    )
    assert metric_sampler.due(5, samples, at_once=True)
    now += 1
    assert metric_sampler.due(5, samples)


def test_slow_measurements_are_made_less_often():
    now = 1000.0

    worked = itertools.count(0.0, 0.25)
    metric_sampler = MetricSampler(clock=lambda: now, effort=lambda: next(worked))
    samples = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    for iteration in (1, 2):
        metric_sampler.measure(iteration, samples, dict, lambda: {"modes": 1.0}, 0.0)
        metric_sampler.settle()
    now += 2
    assert not metric_sampler.due(3, samples), "it took a quarter of a second, so it may be done each 2.5"
    now += 0.5
    assert metric_sampler.due(3, samples)


def test_a_paused_run_is_measured_without_delay():
    now = 1000.0
    worked = itertools.count(0.0, 5.0)
    metric_sampler = MetricSampler(clock=lambda: now, effort=lambda: next(worked))
    samples = np.zeros((5, 2), dtype=np.float32)
    for iteration in (1, 2):
        metric_sampler.measure(iteration, samples, dict, lambda: {"modes": 1.0}, 0.0)
        metric_sampler.settle()
    now += 0.25
    assert not metric_sampler.due(3, samples, at_rest=True)
    assert metric_sampler.postponed == 0.75
    now += 1
    assert not metric_sampler.due(3, samples)
    assert metric_sampler.due(3, samples, at_rest=True)
    assert metric_sampler.postponed == math.inf


def test_measuring_slows_down_if_training_gets_little_cpu_time():
    now = 1000.0
    worked = itertools.count(0.0, 0.25)
    metric_sampler = MetricSampler(clock=lambda: now, effort=lambda: next(worked), room=lambda: 0.5)
    samples = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    for iteration in (1, 2):
        metric_sampler.measure(iteration, samples, dict, lambda: {"modes": 1.0}, 0.0)
        metric_sampler.settle()
    now += 4.5
    assert not metric_sampler.due(3, samples)
    now += 1
    assert metric_sampler.due(3, samples)


def test_a_failing_measurement_is_logged(caplog):
    now, wanted = 1000.0, True
    metric_sampler = MetricSampler(clock=lambda: now, watched=lambda: wanted)
    samples = np.zeros((5, 2), dtype=np.float32)

    def fails():
        raise DataError(Message("no {thing}", thing="weights"))

    for iteration in (3, 4):
        metric_sampler.measure(iteration, samples, fails, dict, 0.0)
        metric_sampler.settle()
    assert "iteration 3" in caplog.text
    assert "iteration 4" not in caplog.text, "the same reason is logged once"
    assert dict(metric_sampler.latest) == {}
    assert metric_sampler.trouble == "no weights"
    now += 2
    assert not metric_sampler.due(5, samples), "and not tried again each second"
    metric_sampler.measure(5, samples, lambda: {"a": 1.0}, dict, 0.0)
    metric_sampler.settle()
    assert metric_sampler.trouble == ""
    wanted = False
    metric_sampler.measure(6, samples, fails, dict, 0.0)
    metric_sampler.settle()
    assert metric_sampler.trouble == "", "no view is open any more"


def test_a_long_series_is_thinned_evenly_and_keeps_its_latest_values():
    series = Series(points=16)
    for iteration in range(1, 1001):
        series.append(iteration, {"a": float(iteration)})
    iterations, values = series.curves()["a"]
    assert 8 <= len(iterations) <= 16
    assert iterations[-1] == 1000
    assert np.array_equal(iterations, values)
    gaps = np.diff(iterations[:-1])
    assert (gaps == gaps[0]).all()


def test_a_series_is_cut_when_the_run_goes_back():
    series = Series()
    for iteration in (1, 5, 9):
        series.append(iteration, {"a": float(iteration)})
    series.append(5, {"a": 50.0})
    assert [list(column) for column in series.curves()["a"]] == [[1, 5], [1.0, 50.0]]
    series.forget_from(0)
    assert (series.curves(), dict(series.latest)) == ({}, {})


# --- watching changes nothing -----------------------------------------------------------------------


@pytest.mark.parametrize("data", ["ring8", "digits"])
def test_a_watched_run_ends_in_the_same_bits(watch, data):
    settings = {"batch_size": 32, "latent_dim": 4}
    alone = GANTrainer(data, g_hidden=(16,), d_hidden=(16,), **settings)
    trainer, runner, camera = watch(data, **settings)
    runner.play(until=300)
    frames = [camera.take()]
    while frames[-1].iteration < 300:
        torch.randn(5)
        frames.append(camera.take())
    runner.change({"lr_d": 5e-4})
    runner.play(until=350)
    runner.wait(350, timeout=PATIENCE)
    alone.step(300)
    alone.change(lr_d=5e-4)
    alone.step(50)
    assert trainer.state_hash() == alone.state_hash()
    assert np.array_equal(trainer.history["loss_d"], alone.history["loss_d"])


def test_a_frame_shows_every_label_or_the_chosen_one(watch):
    data = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 12
    trainer, _, camera = watch(data, conditional=True, batch_size=8)
    every = camera.take()
    assert every.classes == tuple(range(12))
    assert every.labels.tolist() == list(range(10)) * 3
    before = trainer.state_hash()
    camera.request = replace(camera.request, label=11)
    chosen = camera.take()
    assert chosen.labels.tolist() == [11] * 25
    expected = trainer.sample(25, seed=0, labels=11).numpy()
    assert np.array_equal(chosen.generated, expected)
    assert trainer.state_hash() == before
    camera.request = replace(camera.request, label=99)  # a label without samples
    assert np.array_equal(camera.take().labels, every.labels)
    _, _, plain = watch("digits")
    plain.label = 3
    assert plain.take().classes == ()
    assert plain.take().labels is None


# --- images are generated outside the training thread -----------------------------------------------


ASKED_ON = []
"""The threads on which a `Recording` was called in eval mode."""


class Recording(nn.Module):
    """A generator of images that records the threads of its calls."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 64)

    def forward(self, z):
        if not self.training:
            ASKED_ON.append(threading.current_thread().name)
        return torch.tanh(self.linear(z)).reshape(-1, 1, 8, 8)


@pytest.fixture
def pictures(watch):
    """Return a runner and a camera of a run on images."""
    images = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return watch(images, generator=Recording(), latent_dim=4, batch_size=8)


def test_images_are_made_outside_the_training_thread_and_equal_those_of_sample(pictures):
    trainer, runner, camera = pictures
    camera.request = replace(camera.request, wanted=frozenset({"scores", "gradients", "slice", "crowd"}))
    step(runner, 3)
    ASKED_ON.clear()
    frame = camera.take()
    assert ASKED_ON
    assert "ganwidgets-runner" not in ASKED_ON
    assert np.array_equal(frame.generated, trainer.sample(25, seed=0).numpy())
    with torch.no_grad():
        logits = trainer.discriminator(torch.tensor(frame.generated) * 2 - 1).reshape(-1)
    assert np.allclose(frame.seen["scores"].generated_logits, logits, atol=1e-6)


def interrupting(monkeypatch, camera_module, act):
    """Call `act` once, while the images of the next frame are generated."""
    made = camera_module.generated_as_drawn

    def generated(*what):
        monkeypatch.setattr(camera_module, "generated_as_drawn", made)
        act()
        return made(*what)

    monkeypatch.setattr(camera_module, "generated_as_drawn", generated)


def test_a_frame_is_taken_again_if_the_run_changes_meanwhile(pictures, monkeypatch):
    trainer, runner, camera = pictures

    def elsewhere():
        trainer.settings.seed = 5
        runner.reset()
        runner.wait(timeout=PATIENCE)
        raise RuntimeError("sizes do not match any more")

    interrupting(monkeypatch, frames, elsewhere)
    assert np.array_equal(camera.take().generated, trainer.sample(25, seed=0).numpy())

    def broken():
        raise RuntimeError("the network is broken")

    interrupting(monkeypatch, frames, broken)
    with pytest.raises(RuntimeError, match="broken"):
        camera.take()


def test_an_outdated_state_is_not_measured(pictures, monkeypatch):
    trainer, runner, camera = pictures
    trainer.features = "pixels"

    def overtake():
        step(runner, 4)
        camera.take(complete=True)

    step(runner, 2)
    interrupting(monkeypatch, frames, overtake)
    assert camera.take().iteration == 2
    measured = camera.take(complete=True).metrics
    assert {tuple(iterations) for iterations, _ in measured.values()} == {(6,)}


def test_background_work_costs_less_if_a_cpu_core_is_free(pictures, monkeypatch):
    camera = pictures[2]
    camera._room = CpuShare(lambda: (0, 0))  # independent of the load of this machine
    monkeypatch.setattr(frames, "PROCESSORS", 2)
    effort = iter([1.0, 4.0])
    monkeypatch.setattr(frames.time, "thread_time", lambda: next(effort, 0.0))
    camera.take()
    assert camera.burden == pytest.approx(1)
    monkeypatch.setattr(frames, "PROCESSORS", 1)
    effort = iter([1.0, 4.0])
    camera.take()
    assert camera.burden == pytest.approx(3 + camera.cost)


def test_background_work_costs_more_if_it_gets_little_cpu_time(pictures, monkeypatch):
    camera = pictures[2]
    monkeypatch.setattr(frames, "PROCESSORS", 2)
    waits = iter([(0, 0), (300_000_000, 700_000_000)])
    camera._room = CpuShare(lambda: next(waits))
    camera.take()
    effort = iter([1.0, 4.0])
    monkeypatch.setattr(frames.time, "thread_time", lambda: next(effort, 0.0))
    camera.take()
    assert camera.burden == pytest.approx((3 + camera.cost) / 0.3)


def test_the_cpu_share_is_run_time_over_run_and_wait_time():
    waits = iter([(5, 5), (80_000_005, 20_000_005), (80_000_006, 20_000_006), (80_000_005, 120_000_005)])
    room = CpuShare(lambda: next(waits))
    shares = [room.look() or room.share for _ in range(4)]
    assert shares == [1.0, 0.8, 0.8, pytest.approx(0, abs=1e-6)]

    def unknown():
        raise FileNotFoundError

    other = CpuShare(unknown)
    other.look()
    assert other.share == 1.0


def test_a_second_camera_of_a_run_has_the_measurements_of_the_first(watch):
    trainer, runner, camera = watch("ring8")
    step(runner, 5)
    first = camera.take(complete=True)
    step(runner, 5)
    first = camera.take(complete=True)
    other = Camera(runner).take()
    assert {name: list(at) for name, (at, _) in other.metrics.items()} == {
        name: [5, 10] for name in first.metrics
    }
    assert (other.latest_metrics, other.floors) == (first.latest_metrics, first.floors)
    assert other.signs == first.signs
    assert {"served", "extent", "logit_spread", "undecided"} == set(first.signs)
    trainer.reset()
    assert Camera(runner).take().metrics == {}


def test_a_constant_discriminator_is_reported_as_undecided(watch):
    trainer, runner, camera = watch("ring8")
    step(runner, 5)
    lively = camera.take(complete=True).signs
    assert lively["logit_spread"] > 0
    with torch.no_grad():
        for parameter in list(trainer.discriminator.parameters())[-2:]:
            parameter.zero_()
    dead = Camera(runner)
    dead._metric_sampler.begin(Measured())
    dead._kept = camera._kept
    signs = dead.take(complete=True).signs
    assert signs["logit_spread"] == 0
    assert signs["undecided"] == 1
