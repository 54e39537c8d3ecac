"""After any permanent failure, the run ends at its last complete update, with its history."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest

from ganwidgets import DivergedError, GANTrainer
from ganwidgets.stepping.descent import ParameterUpdate

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2, "batch_size": 8}
LARGE = {**SMALL, "g_hidden": (256, 256), "d_hidden": (256, 256)}
"""Networks whose copies are renewed in place."""


class Failure(Exception):  # noqa: N818 - it is what happens, in these tests
    pass


class DeviceError(RuntimeError):
    pass


class Counting:
    """Calls `action` from its `nth` call on, always or once only."""

    def __init__(self, action, nth=1):
        self.action, self.nth, self.calls = action, nth, 0

    def __call__(self, *_arguments):
        self.calls += 1
        return self.action() if self.calls >= self.nth else None


def raising(error):
    def act(*_arguments):
        raise error

    return act


def forward(network, error):
    """Make each forward pass of a network fail."""

    def breaks(trainer, nth):
        return getattr(trainer, network).register_forward_hook(Counting(raising(error), nth)).remove

    return breaks


def forward_of_nan(trainer, nth):
    calls = Counting(lambda: True, nth)

    def poison(_module, _inputs, logits):
        return logits * math.nan if calls() else None

    return trainer.discriminator.register_forward_hook(poison).remove


def backward(trainer, nth):
    """Make the gradient of D's last weights fail."""
    fails = Counting(raising(Failure()), nth)
    return list(trainer.discriminator.parameters())[-1].register_hook(fails).remove


def optimizer(error):
    """Make the update of the weights fail after it was carried out."""

    def breaks(_trainer, nth):
        original, fails = ParameterUpdate.apply, Counting(raising(error), nth)

        def apply(*arguments):
            original(*arguments)
            fails()

        ParameterUpdate.apply = apply

        def mend():
            ParameterUpdate.apply = original

        return mend

    return breaks


BREAKAGES = {
    "D": forward("discriminator", Failure()),
    "G": forward("generator", Failure()),
    "memory": forward("discriminator", MemoryError()),
    "interrupt": forward("generator", KeyboardInterrupt()),
    "device": forward("discriminator", DeviceError("the device is gone")),
    "nan": forward_of_nan,
    "backward": backward,
    "optimizer": optimizer(Failure()),
    "optimizer's memory": optimizer(MemoryError()),
}

EVERYTHING = {"d_steps": 3, "g_steps": 2, "ema_decay": 0.5, "loss": "relativistic", "penalty": "r1"}


def assert_same(trainer, twin):
    assert trainer.iteration == twin.iteration
    assert trainer.state_hash() == twin.state_hash()
    assert trainer.interventions == twin.interventions
    for column in trainer.history:
        assert np.array_equal(trainer.history[column], twin.history[column], equal_nan=True)


@pytest.mark.parametrize("breakage", BREAKAGES)
@pytest.mark.parametrize("sizes", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("nth", [1, 4])
def test_a_permanent_failure_loses_no_complete_update(breakage, sizes, nth):
    """The first or a later call fails: in a later step, or between D's updates."""
    trainer, twin = (GANTrainer("ring8", **sizes, **EVERYTHING) for _ in range(2))
    trainer.step(23)
    mend = BREAKAGES[breakage](trainer, nth)
    try:
        for _ in range(2):  # it fails again
            with pytest.raises((Failure, DeviceError, MemoryError, KeyboardInterrupt, DivergedError)):
                trainer.step(10)
        iteration = trainer.iteration
    finally:
        mend()
    assert 23 <= iteration < 26
    twin.step(iteration)
    assert_same(trainer, twin)
    for run in (trainer, twin):
        run.step(5)
    assert_same(trainer, twin)


def test_a_failure_long_after_the_last_snapshot():
    trainer, twin = (GANTrainer("ring8", **SMALL) for _ in range(2))
    for run in (trainer, twin):
        run.step(234)
    mend = BREAKAGES["backward"](trainer, 1)
    with pytest.raises(Failure):
        trainer.step()
    mend()
    assert trainer.iteration == 234
    assert_same(trainer, twin)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_switching_gradients_off_loses_nothing(network):
    """The call may raise or leave the network unchanged; neither may lose a step."""
    trainer, twin = (GANTrainer("ring8", **SMALL) for _ in range(2))
    for run in (trainer, twin):
        run.step(134)
    getattr(trainer, network).requires_grad_(False)
    with contextlib.suppress(Exception):
        trainer.step(2)
    assert trainer.iteration >= 134
    assert len(trainer.history["loss_d"]) == trainer.iteration
    for column in twin.history:
        assert np.array_equal(trainer.history[column][:134], twin.history[column], equal_nan=True)
    if trainer.iteration == 134:
        assert trainer.state_hash() == twin.state_hash()


SITUATIONS = {
    "at the very beginning": lambda run: None,
    "after updates of one network": lambda run: (run.step(3), run.step_d(2), run.step_g()),
    "after a change": lambda run: (run.step(3), run.change(optimizer_d="sgd", lr_g=0.1, ema_decay=0.9)),
    "after a change in force": lambda run: (run.step(3), run.change(optimizer_g="momentum"), run.step(2)),
    "after goto": lambda run: (run.step(9), run.timeline.goto(4)),
    "after goto and a step": lambda run: (run.step(9), run.timeline.goto(4), run.step()),
    "after a fork": lambda run: (run.step(4), run.timeline.fork("mine")),
    "after a reset": lambda run: (run.step(4), run.reset(seed=7)),
    "after a load": lambda run: (run.step(4), run.load_state_dict(run.state_dict())),
    "during a walk": lambda run: (run.step(4), run.walk().next()),
    "after a walk": lambda run: (run.step(4), run.walk().finish()),
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("step", ["step", "step_d", "step_g"])
def test_a_failure_at_any_point_of_the_run(situation, step):
    trainer, twin = (GANTrainer("ring8", **SMALL, d_steps=2) for _ in range(2))
    for run in (trainer, twin):
        SITUATIONS[situation](run)
    mends = [BREAKAGES[name](trainer, 1) for name in ("D", "optimizer")]
    try:
        with pytest.raises(Failure):
            getattr(trainer, step)(3)
    finally:
        for mend in mends:
            mend()
    assert trainer.iteration == twin.iteration
    assert len(trainer.history["loss_d"]) == len(twin.history["loss_d"])
    assert trainer.state_hash() == twin.state_hash()
    for run in (trainer, twin):
        getattr(run, step)(3)
    assert_same(trainer, twin)
    trainer.timeline.goto(trainer.timeline.first())  # The stored past is complete too.
    twin.timeline.goto(twin.timeline.first())
    assert trainer.state_hash() == twin.state_hash()


def test_a_failing_callback_keeps_the_step_that_it_was_called_for():
    trainer, twin = (GANTrainer("ring8", **SMALL) for _ in range(2))

    def fails(record):
        if record["iteration"] == 7:
            raise Failure

    remove = trainer.on_step(fails)
    with pytest.raises(Failure):
        trainer.step(20)
    remove()
    twin.step(7)
    assert_same(trainer, twin)


def test_a_failing_snapshot_keeps_the_complete_step(monkeypatch):
    trainer, twin = (GANTrainer("ring8", **SMALL) for _ in range(2))
    trainer.step(99)
    monkeypatch.setattr("ganwidgets.runs.session.rollback.copied", raising(MemoryError()))
    with pytest.raises(MemoryError) as caught:
        trainer.step(20)
    assert caught.value.__notes__ == ["The run is at iteration 100, before it happened."]
    monkeypatch.undo()
    twin.step(100)
    assert_same(trainer, twin)
    for run in (trainer, twin):
        run.step(30)
    assert_same(trainer, twin)


def test_non_finite_values_in_large_networks_lose_nothing():
    trainer, twin = (GANTrainer("ring8", **LARGE) for _ in range(2))
    for run in (trainer, twin):
        run.step(12)
    memory = next(iter(trainer._session.state.optimizers["discriminator"].state.values()))
    memory["exp_avg_sq"].fill_(math.inf)
    with pytest.raises(DivergedError, match="memory"):
        trainer.step()
    assert_same(trainer, twin)
