"""Latent walks and past samples, computed beside a training run: correct, and without effect on the run."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from ganwidgets import GANTrainer
from ganwidgets.live import Runner
from ganwidgets.live.frames.explorer import AMOUNTS, STEPS, Exhibits, Explorer
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.rendering.pictures.image_grid import packed
from ganwidgets.rendering.pictures.scene import SEED

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16, "latent_dim": 4}
SHOWN = Exhibits(25, None)


@pytest.fixture
def explore():
    """Return a function that creates a runner and an explorer for a trainer; their threads end with the test."""
    runners = []

    def make(trainer: GANTrainer) -> tuple[Runner, Explorer]:
        runners.append(Runner.of(trainer))
        return runners[-1], Explorer(runners[-1])

    yield make
    for runner in runners:
        runner.close()


@pytest.fixture
def digits() -> GANTrainer:
    trainer = GANTrainer("digits", **SMALL)
    trainer.step(20)
    return trainer


def samples(trainer: GANTrainer) -> np.ndarray:
    return packed(trainer.sample(25, SEED).numpy())


def near(one: np.ndarray, other: np.ndarray) -> bool:
    """Return True if two pictures are equal up to rounding of a batch of another size."""
    return bool(np.abs(one.astype(int) - other.astype(int)).max() <= 1)


@pytest.mark.parametrize("noise", ["gaussian", "uniform"])
def test_a_walk_begins_and_ends_with_the_chosen_samples(explore, noise):
    trainer = GANTrainer("digits", noise=noise, **SMALL)
    _, explorer = explore(trainer)
    ways = explorer.ways(SHOWN, [3, 7])
    shown = samples(trainer)
    assert ways.walk.shape == (STEPS, 8, 8)
    assert near(ways.walk[0], shown[3])
    assert near(ways.walk[-1], shown[7])
    assert ways.line is None
    assert ways.moved is None


@pytest.mark.parametrize("direction", ["strongest 0", "strongest 4", "coordinate 0", "coordinate 3"])
def test_a_line_goes_through_the_chosen_sample(explore, digits, direction):
    _, explorer = explore(digits)
    ways = explorer.ways(SHOWN, [5], direction, 1.0)
    assert ways.walk is None
    assert ways.line.shape == (len(AMOUNTS), 8, 8)
    assert near(ways.line[AMOUNTS.index(0.0)], samples(digits)[5])
    assert near(ways.moved[0], ways.line[AMOUNTS.index(1.0)])
    assert not near(ways.line[0], ways.line[-1])


def test_the_strongest_direction_is_kept_until_it_is_requested_again(explore, digits):
    runner, explorer = explore(digits)

    def strongest():
        explorer.ways(SHOWN, [5], "strongest 0")
        return explorer._directions[1]

    before = strongest()
    runner.step(50)
    runner.wait()
    assert torch.equal(strongest(), before)
    explorer.forget_directions()
    assert not torch.equal(strongest(), before)


def test_past_samples_are_those_of_the_path_to_the_current_state(explore):
    trainer = GANTrainer("digits", **SMALL)
    shown = {}
    for _ in range(3):
        shown[trainer.iteration] = samples(trainer)[4]
        trainer.step(100)
    _, explorer = explore(trainer)
    was = explorer.earlier(SHOWN, 4)
    assert set(shown) <= set(was.iterations)
    for iteration, picture in shown.items():
        assert near(was.pictures[was.iterations.index(iteration)], picture)
    trainer.timeline.goto(150)
    trainer.change(lr_g=0.05)
    trainer.step(60)
    after = explorer.earlier(SHOWN, 4)
    assert max(after.iterations) < 210
    assert near(after.pictures[after.iterations.index(100)], shown[100])
    trainer.reset()
    assert explorer.earlier(SHOWN, 4).pictures is None


def test_past_samples_are_computed_once(explore, monkeypatch):
    trainer = GANTrainer("digits", **SMALL)
    trainer.step(250)
    _, explorer = explore(trainer)
    first = explorer.earlier(SHOWN, 4)
    monkeypatch.setattr(explorer, "_played", None)
    again = explorer.earlier(SHOWN, 4)
    assert np.array_equal(first.pictures, again.pictures)


def test_a_labelled_sample_keeps_its_label(explore):
    generator = torch.Generator().manual_seed(0)
    data = torch.rand(60, 1, 8, 8, generator=generator), torch.arange(60) % 3
    trainer = GANTrainer(data, conditional=True, **SMALL)
    trainer.step(5)
    _, explorer = explore(trainer)
    labels = np.arange(24) % 3
    exhibits = Exhibits(24, labels)
    shown = packed(trainer.sample(24, SEED, labels).numpy())
    assert near(explorer.ways(exhibits, [2, 5]).walk[0], shown[2])
    assert explorer.earlier(exhibits, 2).pictures is not None


def test_the_neighbor_of_a_copy_is_what_was_copied(explore, digits, monkeypatch):
    _, explorer = explore(digits)
    real = digits.real(25, seed=3)
    monkeypatch.setattr(GANTrainer, "sample", lambda *_: real)
    found = explorer.neighbor(SHOWN, 6)
    assert np.array_equal(found.picture, packed(real[6:7].numpy()))
    assert found.distance == pytest.approx(0, abs=1e-3)
    assert found.typical > 0


def test_exploring_does_not_change_the_run(explore):
    watched, alone = (GANTrainer("digits", **SMALL) for _ in "ab")
    alone.step(120)
    runner, explorer = explore(watched)
    runner.play(120)
    while runner.state.iteration < 120:
        explorer.ways(SHOWN, [1, 2], "strongest 1", 0.5)
        explorer.earlier(SHOWN, 1)
    runner.wait()
    assert watched.state_hash() == alone.state_hash()


class TestErrands:
    def test_only_the_latest_request_of_a_kind_is_carried_out(self):
        tasks, done = LatestOnlyTasks(), []
        begun, go_on = threading.Event(), threading.Event()
        tasks.ask("first", lambda: (begun.set(), go_on.wait(60)))
        assert begun.wait(60)
        for number in range(5):
            tasks.ask("walk", lambda number=number: done.append(number))
        tasks.ask("past", lambda: done.append("past"))
        go_on.set()
        tasks.settle()
        assert done == [4, "past"]
        tasks.ask("walk", lambda: done.append("again"))
        tasks.settle()
        assert done[-1] == "again"

    def test_a_failing_request_is_logged_and_the_next_one_is_carried_out(self, caplog):
        tasks, done = LatestOnlyTasks(), []
        tasks.ask("walk", lambda: 1 / 0)
        tasks.ask("past", lambda: done.append(1))
        tasks.settle()
        assert done == [1]
        assert "walk" in caplog.text

    def test_no_request_starts_after_close(self):
        tasks, done = LatestOnlyTasks(), []
        tasks.close()
        tasks.ask("walk", lambda: done.append(1))
        tasks.settle()
        assert not done
