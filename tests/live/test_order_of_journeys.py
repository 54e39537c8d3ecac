"""Order of queued travels: which may be skipped, which state they clear, and which thread may start a step."""

from __future__ import annotations

import threading

import pytest

from ganwidgets import DivergedError, GANTrainer
from ganwidgets.live import Runner
from ganwidgets.runs.record.interventions import CODE, InterventionLog

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2, "batch_size": 8}


@pytest.fixture
def runner():
    made = Runner(GANTrainer("ring8", **SMALL))
    yield made
    made.close()


def test_a_fork_is_carried_out_though_another_travel_waits(runner):
    runner.step(8)
    runner.wait()
    begun, go_on = threading.Event(), threading.Event()

    def hold():
        begun.set()
        assert go_on.wait(60)

    holding = threading.Thread(target=runner.trainer._dispatch, args=(hold,))
    holding.start()
    assert begun.wait(60)
    runner.fork("mine")
    runner.goto(5)
    go_on.set()
    runner.wait()
    holding.join()
    assert "mine" in runner.trainer.timeline.branches
    assert runner.trainer.iteration == 5


def test_a_travel_clears_the_error_that_stopped_the_run(runner):
    runner.step(5)
    runner.wait()
    handle = runner.trainer.discriminator.register_forward_hook(
        lambda _module, _inputs, logits: logits * float("nan")
    )
    runner.step()
    with pytest.raises(DivergedError):
        runner.wait()
    handle.remove()
    assert runner.state.status == "diverged"
    runner.goto(3)
    runner.wait()
    assert (runner.state.status, runner.state.error) == ("paused", None)


def test_another_thread_cannot_begin_a_step_during_a_step():
    trainer = GANTrainer("ring8", **SMALL)
    refusals = []

    def step_elsewhere(_record):
        def attempt():
            with pytest.raises(RuntimeError, match="middle of a step") as caught:
                trainer.step()
            refusals.append(caught.value)

        other = threading.Thread(target=attempt)
        other.start()
        other.join()

    remove = trainer.on_step(step_elsewhere)
    trainer.step(2)
    remove()
    assert len(refusals) == 2
    assert trainer.iteration == 2


def test_no_update_is_added_to_a_sealed_record():
    log = InterventionLog({"lr_d": 0.5})
    log.act(3, "step_d", 2, CODE)
    log.act(3, "step_d", 1, CODE)
    assert [record.new for record in log.everything] == [3]
    log.seal()
    log.act(3, "step_d", 1, CODE)
    assert [record.new for record in log.everything] == [3, 1]
