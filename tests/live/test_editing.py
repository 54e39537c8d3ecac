"""Networks are changed by hand between two steps of a run that plays."""

import torch

from ganwidgets import GANTrainer
from ganwidgets.live import Runner

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


def test_a_playing_run_rests_while_it_is_edited():
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


def test_steps_and_changes_inside_are_carried_out():
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


def test_a_paused_run_notices_a_change_at_its_next_step():
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
