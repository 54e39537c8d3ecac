"""A runner on a fake trainer, and a log of its events."""

from __future__ import annotations

import pytest
from event_log import Log
from fake_trainer import FakeTrainer

from ganwidgets.live import Runner


@pytest.fixture
def trainer():
    return FakeTrainer()


@pytest.fixture
def runner(trainer):
    runner = Runner(trainer)
    yield runner
    trainer.gate.set()
    runner.close()


@pytest.fixture
def log(runner):
    return Log(runner)
