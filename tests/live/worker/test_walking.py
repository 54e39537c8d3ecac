"""Walks through a step while a runner holds the trainer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

import ganwidgets as gw
from ganwidgets.live import Camera, Event, Runner


@pytest.fixture
def runner() -> Iterator[Runner]:
    trainer = gw.GANTrainer("ring8", seed=3, batch_size=16, g_hidden=(8,), d_hidden=(8,))
    runner = Runner(trainer)
    yield runner
    runner.close()


def test_each_command_is_answered_by_one_event_and_the_run_changes_only_at_the_end(runner: Runner) -> None:
    trainer = runner.trainer
    plain = gw.GANTrainer("ring8", seed=3, batch_size=16, g_hidden=(8,), d_hidden=(8,))
    events: list[Event] = []
    runner.subscribe(events.append)
    before = trainer.state_hash()
    tickets = [runner.look_inside("generator"), runner.walk("next"), runner.walk("back"), runner.walk("next")]
    runner.wait()
    answers = [event for event in events if event.kind == "walk"]
    assert [event.ticket for event in answers] == tickets
    assert [event.state.walk.stage for event in answers] == ["noise", "generate", "noise", "generate"]
    assert trainer.state_hash() == before
    assert runner.state.walk is not None  # Reading from a cell does not end it.
    for _ in range(5):
        runner.walk("next")
    runner.wait()
    assert runner.state.walk is None
    plain.step_g()
    assert trainer.state_hash() == plain.state_hash()
    assert runner.state.status == "paused"


def test_a_change_of_the_run_ends_the_walk(runner: Runner) -> None:
    for change in (runner.step, lambda: runner.change({"lr_d": 0.01}), lambda: runner.reset(7)):
        runner.look_inside()
        runner.wait()
        assert runner.state.walk is not None
        change()
        runner.wait()
        assert runner.state.walk is None
    runner.walk("next")  # without a walk it does nothing
    runner.look_inside()
    runner.walk("leave")
    runner.wait()
    assert runner.state.walk is None
    assert runner.state.iteration == 0


def test_the_gradient_of_ds_loss_by_its_logits(runner: Runner) -> None:
    camera = Camera(runner)
    runner.change({"loss": "non_saturating"})
    runner.look_inside("discriminator")
    for _ in range(3):
        runner.walk("next")
    runner.wait()
    assert camera.take().inside.pulls is None
    runner.walk("next")
    runner.wait()
    seen = camera.take().inside
    step = seen.step
    # The logistic loss: its derivative by a logit is the error of the verdict.
    assert seen.pulls.real == pytest.approx(torch.sigmoid(-step.real_logits).numpy(), rel=1e-4)
    assert seen.pulls.generated == pytest.approx(-torch.sigmoid(step.fake_logits).numpy(), rel=1e-4)
    runner.walk("next")
    runner.wait()
    assert camera.take().inside.pulls is None  # already moved


def test_a_frame_contains_the_batch(runner: Runner) -> None:
    camera = Camera(runner)
    assert camera.take().inside is None
    runner.look_inside("generator")
    runner.wait()
    first = camera.take().inside
    assert first is not None
    assert (len(first.real), len(first.generated)) == (0, 0)
    assert first.seen["latents"].shape[0] == 16
    for _ in range(4):
        runner.walk("next")
    runner.wait()
    arrows = camera.take().inside
    assert arrows is not None
    assert arrows.seen["gradients"].descent.shape == arrows.generated.shape == (16, 2)
    runner.walk("next")
    runner.wait()
    ghost = camera.take().inside
    assert ghost is not None
    assert ghost.before is not None
    assert (ghost.before == arrows.generated).all()
    # On average the samples move in the direction of the arrows.
    assert ((ghost.generated - ghost.before) * arrows.seen["gradients"].descent).sum() > 0
    runner.look_inside("discriminator")
    for _ in range(5):
        runner.walk("next")
    runner.wait()
    after, frame = camera.take().inside, camera.take()
    assert after is not None
    assert after.verdict is not None
    assert after.verdict.shape == frame.verdict.shape
    assert (after.verdict != frame.verdict).any()


def test_a_walk_from_code_is_shown_and_continued_by_code_or_page(runner: Runner) -> None:
    trainer = runner.trainer
    events: list[Event] = []
    runner.subscribe(events.append)
    before = trainer.state_hash()
    walk = trainer.walk("generator")
    stages = [walk.next().stage, walk.next().stage]
    assert [event.state.walk.stage for event in events] == stages == ["noise", "generate"]
    frame = Camera(runner).take()
    assert frame.inside is not None
    assert frame.inside.step is walk.here
    walk.back()
    assert runner.state.walk is walk.here
    runner.walk("next")
    runner.wait()
    assert walk.here is runner.state.walk
    assert walk.here.stage == "generate"
    assert trainer.state_hash() == before
    walk.leave()
    trainer.settings  # noqa: B018 - a look
    runner.walk("next")
    runner.wait()
    assert runner.state.walk is None


def test_an_unreferenced_walk_from_code_is_shown_and_ends_with_its_step(runner: Runner) -> None:
    runner.trainer.walk("generator").next()
    assert runner.state.walk is not None
    runner.trainer.step_g()
    assert runner.state.walk is None
    walk = runner.trainer.walk("discriminator")
    while walk.next():
        assert runner.state.walk is walk.here
    assert runner.state.walk is None
