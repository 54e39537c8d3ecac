"""`editing()`: networks are changed by hand between two steps of a playing run."""

import threading

import pytest
import torch

from ganwidgets import GANTrainer
from ganwidgets.live import Runner
from ganwidgets.trainer import hosting

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def test_a_playing_run_waits_while_it_is_edited():
    trainer = GANTrainer("ring8", **SMALL)
    runner = Runner(trainer)
    try:
        runner.play()
        runner.wait(20, timeout=60)
        with trainer.editing("half"), torch.no_grad():
            at = trainer.iteration
            before = trainer.state_hash()
            trainer.generator[0].weight.mul_(0.5)
            assert trainer.sample(3, seed=0).shape == (3, 2)
            assert trainer.iteration == at
            after = trainer.state_hash()
        runner.wait(at + 20, timeout=60)
        runner.pause()
        runner.wait(timeout=60)
        (record,) = trainer.interventions
        assert (record.author, record.setting, record.reason) == ("user", "edit", "half")
        assert (record.iteration, record.hash_before) == (at, before)
        end, reached = trainer.state_hash(), trainer.iteration
        trainer.timeline.goto(at + 5)
        trainer.timeline.switch("main")
        assert (trainer.state_hash(), trainer.iteration) == (end, reached)
        trainer.timeline.undo()
        assert trainer.state_hash() == before != after
    finally:
        runner.close()


def test_steps_and_changes_inside_editing_are_carried_out():
    trainer, plain = GANTrainer("ring8", **SMALL), GANTrainer("ring8", **SMALL)
    runner = Runner(trainer)
    try:
        with trainer.editing("both"):
            trainer.step(2)
            trainer.discriminator[0].weight.data.mul_(2)
        trainer.step(2)
    finally:
        runner.close()
    plain.step(2)
    plain.discriminator[0].weight.data.mul_(2)
    plain.step(2)
    assert trainer.state_hash() == plain.state_hash()
    assert [r.reason for r in trainer.interventions] == ["both"]


def test_a_paused_run_records_a_change_at_its_next_step():
    trainer = GANTrainer("ring8", **SMALL)
    runner = Runner(trainer)
    try:
        trainer.step(3)
        trainer.generator[0].weight.data.mul_(0.5)
        runner.play(until=10)
        runner.wait(10, timeout=60)
        (record,) = trainer.interventions
        assert (record.setting, record.iteration) == ("edit", 3)
    finally:
        runner.close()


def test_editing_inside_a_callback_is_refused_and_leaves_the_run_playing():
    trainer = GANTrainer("ring8", **SMALL)
    refused = []

    def edit(_record):
        with pytest.raises(RuntimeError, match="in the middle of a step"), trainer.editing("now"):
            pytest.fail("the block was entered")
        refused.append(trainer.iteration)

    trainer.on_step(edit)
    runner = Runner(trainer)
    try:
        runner.play()
        runner.wait(3, timeout=60)
    finally:
        runner.close()
    assert refused[:3] == [1, 2, 3]


def test_an_interrupt_while_editing_waits_leaves_the_run_playing(monkeypatch):
    trainer = GANTrainer("ring8", **SMALL)
    runner = Runner(trainer)

    class Interrupted(threading.Event):
        def wait(self, timeout=None):
            super().wait(timeout)
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            return True

    try:
        with monkeypatch.context() as patched:
            patched.setattr(hosting.threading, "Event", Interrupted)
            with pytest.raises(KeyboardInterrupt), trainer.editing("too late"):
                pytest.fail("the block was entered")
        trainer.step(2)
        assert trainer.iteration == 2
    finally:
        runner.close()
