"""Start and end of a runner's thread."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from event_log import Log
from fake_trainer import PATIENCE, FakeTrainer

from ganwidgets.live import Runner


def collected_with(thread):
    """Collect garbage until `thread` has ended, and return True if it has.

    One collection is not enough. While another thread collects, and Hypothesis' callback releases the
    interpreter, a call of gc.collect() does nothing.
    """
    for _ in range(PATIENCE):
        gc.collect()
        thread.join(1)
        if not thread.is_alive():
            return True
    return False


def test_a_trainer_has_one_runner(trainer, runner):
    assert Runner.of(trainer) is runner
    with pytest.raises(RuntimeError, match="already"):
        Runner(trainer)


def test_closing_ends_the_thread_and_frees_the_trainer(trainer, runner, log):
    trainer.gate.clear()
    runner.play()
    assert trainer.in_step.wait(PATIENCE)
    trainer.settings.lr_d = 0.5
    trainer.gate.set()
    runner.close()
    assert runner.closed
    assert (trainer.dispatch, trainer.route) == (None, None)
    assert not runner._worker.alive
    assert [event.kind for event in log.events] == ["play", "change", "close"]
    assert trainer.settings.lr_d == 0.5
    runner.close()


def test_closing_ends_training_early(trainer, runner, log):
    trainer.gate.clear()
    ticket = runner.step(10**9)
    assert trainer.in_step.wait(PATIENCE)
    later = runner.play()
    with ThreadPoolExecutor() as pool:
        closing = pool.submit(runner.close)
        while not runner.closed:
            pass
        trainer.gate.set()
        closing.result(PATIENCE)
    assert (log.answer(ticket).steps, log.answer(later).state.playing) == (1, False)
    assert trainer.iteration == 1


def test_waiting_calls_are_carried_out_before_the_end(trainer, runner):
    trainer.gate.clear()
    runner.play()
    assert trainer.in_step.wait(PATIENCE)
    with ThreadPoolExecutor() as pool:
        call = pool.submit(runner.call, threading.current_thread)
        while not runner._worker.inbox.pressing(in_order=True):
            pass
        runner._worker.stop()
        trainer.gate.set()
        assert call.result(PATIENCE).name == "ganwidgets-runner"


def test_a_closed_runner_refuses_commands_and_runs_calls_on_the_callers_thread(trainer, runner):
    runner.close()
    with pytest.raises(RuntimeError, match="closed"):
        runner.play()
    assert runner.call(threading.current_thread) is threading.current_thread()
    trainer.settings.lr_d = 0.5
    assert trainer.settings.lr_d == 0.5
    runner.wait()


def test_a_closed_runner_is_replaced_by_a_new_one(trainer, runner):
    runner.step(2)
    runner.wait(timeout=PATIENCE)
    runner.close()
    after = Runner.of(trainer)
    assert after is not runner
    assert after.state.status == "paused"
    after.close()


def test_a_runner_can_be_closed_from_its_own_thread(runner):
    runner.call(runner.close)
    runner._worker.join(PATIENCE)
    assert not runner._worker.alive


def test_an_unreferenced_runner_ends_although_it_plays_and_has_listeners(trainer):
    runner = Runner(trainer)
    core = weakref.ref(runner._worker)
    thread = runner._worker._thread

    class Panel:
        """Holds the runner and listens to it, like a widget."""

        def __init__(self, runner):
            self.runner = runner
            runner.subscribe(self.hear)

        def hear(self, event):
            pass

    panel = Panel(runner)
    runner.play()
    runner.wait(10, timeout=PATIENCE)
    del runner, panel
    assert collected_with(thread)
    assert trainer.dispatch is None
    again = Runner.of(trainer)
    again.close()
    gc.collect()
    assert core() is None


def test_a_trainer_and_its_runner_do_not_keep_each_other_alive():
    trainer = FakeTrainer()
    runner = Runner.of(trainer)
    thread, gone = runner._worker._thread, weakref.ref(trainer)
    Log(runner)
    del trainer, runner
    assert collected_with(thread)
    del thread
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("ending", ["", "raise SystemExit(3)"])
def test_the_interpreter_exits_while_a_runner_trains(ending):
    script = f"""
import torch
torch.set_num_threads(1)
from ganwidgets import GANTrainer
from ganwidgets.live import Camera, Runner
runner = Runner.of(GANTrainer("ring8"))
runner.play()
Camera(runner).take()
runner.wait(50, timeout={PATIENCE})
{ending}
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=5 * PATIENCE, check=False
    )
    assert ended.stderr == ""
    assert ended.returncode == (3 if ending else 0)
