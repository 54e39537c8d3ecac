"""After a failure the run is in the state after its last complete step, and continues after the repair."""

from __future__ import annotations

import gc
import inspect
import math
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

import ganwidgets
from ganwidgets import DataError, DivergedError, GANTrainer
from ganwidgets.runs.session import rollback as last_good
from ganwidgets.runs.session.undo_copy import UndoCopy
from ganwidgets.stepping.descent import ParameterUpdate
from ganwidgets.stepping.state import TrainingState

pytestmark = pytest.mark.filterwarnings("ignore:.*with batch norm:ganwidgets.DataWarning")

PACKAGE = str(Path(ganwidgets.__file__).parent)

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "latent_dim": 2, "batch_size": 8}


class Failure(Exception):  # noqa: N818 - it is what happens, in these tests
    pass


class Fragile(nn.Module):
    """A network whose forward pass raises on request."""

    def __init__(self, out):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, out))
        self.calls = 0
        self.fails = lambda call: False

    def forward(self, x):
        self.calls += 1
        # Raise in the middle, after the batch norm has counted.
        made = self.layers(x)
        if self.fails(self.calls):
            raise Failure(self.calls)
        return made


def fragile(**settings):
    made = GANTrainer(
        "ring8", generator=Fragile(2), discriminator=Fragile(1), latent_dim=2, batch_size=8, **settings
    )
    made.generator.calls = made.discriminator.calls = 0
    return made


def small(**settings):
    return GANTrainer("ring8", **{**SMALL, **settings})


def assert_goes_on_like(trainer, twin, n=7):
    assert trainer.iteration == twin.iteration
    assert trainer.state_hash() == twin.state_hash()
    assert len(trainer.history["loss_d"]) == trainer.iteration
    trainer.step(n)
    twin.step(n)
    assert trainer.state_hash() == twin.state_hash()
    for column in trainer.history:
        assert np.array_equal(trainer.history[column], twin.history[column], equal_nan=True)


EVERYTHING = {"penalty": "r1_r2", "ema_decay": 0.5, "d_steps": 2, "g_steps": 2, "loss": "relativistic"}


# --- an exception in a network ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings", [{}, EVERYTHING, {"optimizer_d": "momentum", "optimizer_g": "rmsprop", "skip_d_below": 1.3}]
)
@pytest.mark.parametrize("network", ["generator", "discriminator"])
@pytest.mark.parametrize("for_good", [False, True])
def test_a_network_that_fails_at_any_forward_pass(settings, network, for_good):
    per_step = fragile(**settings)
    per_step.step(3)
    calls_of_three = getattr(per_step, network).calls
    for k in range(1, calls_of_three + 1):
        trainer, twin = fragile(**settings), fragile(**settings)
        broken = getattr(trainer, network)
        broken.fails = (lambda call, k=k: call >= k) if for_good else (lambda call, k=k: call == k)
        with pytest.raises(Failure, match=str(k)) as caught:
            trainer.step(3)
        done = math.ceil(k / (calls_of_three / 3)) - 1
        assert caught.value.__notes__ == [f"The run is at iteration {done}, before it happened."]
        twin.step(done)
        assert trainer.state_hash() == twin.state_hash()
        broken.fails = lambda call: False
        assert_goes_on_like(trainer, twin)


def test_a_built_in_network_that_fails_late_in_a_long_run():
    trainer, twin = small(), small()
    twin.step(157)

    def fail(*_arguments):
        if trainer.iteration == 157:
            handle.remove()
            raise Failure

    handle = trainer.discriminator.register_forward_hook(fail)
    with pytest.raises(Failure):
        trainer.step(200)
    assert_goes_on_like(trainer, twin)


def test_failing_updates_of_one_network():
    trainer, twin = fragile(), fragile()
    for run in (trainer, twin):
        run.step(2)
        run.step_d(3)
    trainer.discriminator.fails = lambda call: True
    for step in (trainer.step_g, trainer.step_d):
        with pytest.raises(Failure):
            step(4)
    trainer.discriminator.fails = lambda call: False
    # Replacing the network is a change by hand; the failed updates themselves leave no record.
    changes = [record for record in trainer.interventions if record.setting != "edit"]
    assert changes == list(twin.interventions)
    assert_goes_on_like(trainer, twin)


def test_a_failure_of_the_first_step():
    trainer, twin = fragile(), fragile()
    trainer.discriminator.fails = lambda call: True
    with pytest.raises(Failure):
        trainer.step()
    trainer.discriminator.fails = lambda call: False
    assert trainer.samples_seen == 0
    for run in (trainer, twin):
        run.step()
    assert trainer.state_hash() == twin.state_hash()


# --- an exception in the data -----------------------------------------------------------------------


class Holed(Dataset):
    def __init__(self):
        self.hole = 1234

    def __len__(self):
        return 1500

    def __getitem__(self, index):
        if index == self.hole:
            raise Failure
        return torch.tensor([math.sin(index), math.cos(index)])


def test_a_dataset_that_fails_at_one_item():
    holed, whole = Holed(), Holed()
    trainer = GANTrainer(holed, **SMALL)
    whole.hole = None
    twin = GANTrainer(whole, **SMALL)
    with pytest.raises(DataError, match="item 1234 of the dataset cannot be read: Failure"):
        trainer.step(1500 // 8 + 1)
    assert 0 < trainer.iteration < 1500 // 8
    twin.step(trainer.iteration)
    assert trainer.source.fingerprint == twin.source.fingerprint
    holed.hole = None
    assert_goes_on_like(trainer, twin)


# --- an interrupt -----------------------------------------------------------------------------------


class Interrupting:
    """Raises `KeyboardInterrupt` before the k-th executed line of the package; k = 0 only counts lines."""

    def __init__(self, k=0):
        self.k = k
        self.lines = []

    def __enter__(self):
        gc.disable()  # A finalizer of an earlier trainer would swallow the interrupt.
        sys.settrace(self.trace)
        return self

    def __exit__(self, *error):
        sys.settrace(None)
        gc.enable()

    def trace(self, frame, event, _argument):
        if not frame.f_code.co_filename.startswith(PACKAGE) or frame.f_code.co_name == "roll_back":
            return None
        if event == "line":
            self.lines.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
            if len(self.lines) == self.k:
                raise KeyboardInterrupt
        return self.trace


def ended(run):
    """Take two more steps, and return everything that could differ between runs."""
    run.step(2)
    numbers = [run.history[column] for column in ("loss_d", "loss_g", "grad_norm_d")]
    return run.state_hash(), run.interventions, [column.tobytes() for column in numbers]


# One run of each kind of network tries every line; the others try every sixth, each with its own offset.
@pytest.mark.parametrize("make", [small, fragile])
@pytest.mark.parametrize(
    ("prepare", "tried"),
    [
        (lambda run: None, slice(None)),
        (lambda run: run.change(optimizer_d="sgd", ema_decay=0.5, lr_g=0.1), slice(0, None, 6)),
        (lambda run: run.step_d(2), slice(3, None, 6)),
    ],
    ids=["plain", "after a change", "after updates of one network"],
)
def test_an_interrupt_at_any_line_of_a_step(make, prepare, tried):
    def prepared():
        run = make()
        run.step(2)
        prepare(run)
        return run

    before, after, watched = prepared(), prepared(), prepared()
    after.step()
    made = {run.iteration: run.interventions for run in (before, after)}
    ends = {run.iteration: ended(run) for run in (before, after)}
    with Interrupting() as step:
        watched.step()
    # For a line that is executed many times: its first and its last execution.
    first = {where: k for k, where in reversed(list(enumerate(step.lines, 1)))}
    last = {where: k for k, where in enumerate(step.lines, 1)}
    moments = sorted({*first.values(), *last.values()})
    assert len(moments) > 200
    assert any("engine" in where for where in first)
    for k in moments[tried]:
        trainer = prepared()
        with pytest.raises(KeyboardInterrupt), Interrupting(k):
            trainer.step()
        where = step.lines[k - 1]
        iteration = trainer.iteration
        assert len(trainer.history["loss_d"]) == iteration, where
        assert iteration == 2 or trainer.interventions == made[3], where
        assert ended(trainer) == ends[iteration], where


@pytest.mark.parametrize(
    "sizes", [{}, {"g_hidden": (256, 256), "d_hidden": (256, 256)}], ids=["small", "large"]
)
def test_a_second_interrupt_at_any_line_of_the_rollback(sizes, monkeypatch):
    """The rollback may be interrupted anywhere, and is completed before the next action."""

    def broken_off():
        run = small(**sizes)
        run.step(5)
        run.change(optimizer_d="sgd", ema_decay=0.5)
        engine = run._session.run.engine
        original = engine.advance

        def advance(what, *, measure):
            original(what, measure=measure)
            raise Failure

        monkeypatch.setattr(engine, "advance", advance)
        return run

    twin = broken_off()
    with pytest.raises(Failure):
        twin.step()
    monkeypatch.undo()
    expected = twin.state_hash(), twin.interventions
    undo = UndoCopy.undo
    lines = len(inspect.getsourcelines(undo)[0])
    interrupted = 0
    for k in range(1, lines):
        trainer = broken_off()

        def interrupted_undo(journal, k=k):
            nonlocal interrupted
            monkeypatch.setattr(UndoCopy, "undo", undo)
            try:
                with Interrupting(k):
                    undo(journal)
            except KeyboardInterrupt:
                interrupted += 1
                raise

        monkeypatch.setattr(UndoCopy, "undo", interrupted_undo)
        with pytest.raises((Failure, KeyboardInterrupt)):
            trainer.step()
        monkeypatch.undo()
        assert (trainer.state_hash(), trainer.interventions) == expected, k
        assert trainer.iteration == 5
    assert interrupted > 10


def test_control_c_in_a_long_call():
    trainer, twin = small(), small()

    def press(record):
        if record["iteration"] == 20:
            signal.raise_signal(signal.SIGINT)

    remove = trainer.on_step(press)
    with pytest.raises(KeyboardInterrupt):
        trainer.step(10_000)
    remove()
    twin.step(trainer.iteration)
    assert 20 <= trainer.iteration < 100
    assert_goes_on_like(trainer, twin)


def test_a_failed_update_is_undone_in_tensors_of_several_dtypes(monkeypatch):
    """CycleGAN's state has float32 weights, a pool, and int64 counters of the pool."""
    images = torch.rand(2, 16, 1, 8, 8, generator=torch.Generator().manual_seed(0))

    def made():
        run = GANTrainer(tuple(images), game="cyclegan", channels=2, batch_size=4, pool_size=99, d_steps=2)
        run.step(3)
        return run

    trainer, twin = made(), made()
    apply, calls = ParameterUpdate.apply, []

    def fails_at_the_third(update, gradients):
        apply(update, gradients)
        calls.append(update)
        if len(calls) == 3:  # The pool has changed by then.
            raise Failure

    monkeypatch.setattr(ParameterUpdate, "apply", fails_at_the_third)
    with pytest.raises(Failure):
        trainer.step()
    monkeypatch.undo()
    assert len({tensor.dtype for tensor in trainer._session.state.memory.values()}) == 2
    assert trainer.state_hash() == twin.state_hash()
    trainer.step(2)
    twin.step(2)
    assert trainer.state_hash() == twin.state_hash()


# --- non-finite numbers -----------------------------------------------------------------------------


def all_finite(trainer):
    tensors = [*trainer.generator.state_dict().values(), *trainer.discriminator.state_dict().values()]
    return all(bool(t.isfinite().all()) for t in tensors)


WILD = {"lr_d": 10.0, "lr_g": 10.0, "optimizer_d": "sgd", "optimizer_g": "sgd", "loss": "least_squares"}


@pytest.mark.parametrize("make", [small, fragile])
@pytest.mark.parametrize(
    "wild",
    [
        WILD,
        {**WILD, "loss": "wasserstein", "penalty": "r1"},
        {**WILD, "optimizer_g": "adam", "d_steps": 3},
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_divergence_is_always_reported(make, wild, at_once):
    """GAN Lab continues with NaN weights and a flat, finite loss curve, without a warning."""
    trainer, twin = make(**wild), make(**wild)

    def step_until_it_diverges():
        for _ in range(2000):
            trainer.step()
            assert all_finite(trainer), "what a call returns with is finite"

    with pytest.raises(DivergedError, match=r"Lower lr_d \(now 10\)") as caught:
        trainer.step(2000) if at_once else step_until_it_diverges()
    good = caught.value.iteration
    assert trainer.iteration == good
    assert all_finite(trainer)
    assert all(np.isfinite(trainer.history[column]).all() for column in ("loss_d", "loss_g"))
    twin.step(good)
    assert trainer.state_hash() == twin.state_hash()
    with pytest.raises(DivergedError):
        twin.step()
    for run in (trainer, twin):
        run.change("calm down", lr_d=1e-4, lr_g=1e-4, optimizer_d="adam", weight_clip=0.1)
        with torch.no_grad():
            for parameter in (*run.generator.parameters(), *run.discriminator.parameters()):
                parameter.clamp_(-0.1, 0.1)
    assert_goes_on_like(trainer, twin)


def test_the_state_after_a_divergence_does_not_depend_on_observers():
    found = set()
    for watch in (
        lambda run: None,
        lambda run: run.on_step(lambda record: None),
        lambda run: run.change(lr_g=9.0),
    ):
        trainer = small(**WILD)
        trainer.settings.lr_g = 9.0
        trainer.step()
        watch(trainer)
        with pytest.raises(DivergedError):
            trainer.step(2000)
        found.add((trainer.iteration, trainer.state_hash()))
    assert len(found) == 1


class Spare(nn.Module):
    """A network with a trained weight that has no effect on its output."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(2, 2)
        self.spare = nn.Parameter(torch.ones(1))
        self.poison = 10**9
        self.calls = 0

    def forward(self, z):
        self.calls += self.training and torch.is_grad_enabled()
        factor = math.nan if self.calls > self.poison else 0.0
        return self.layer(z) + (self.spare * factor).nan_to_num(0.0)


@pytest.mark.parametrize("n", [1, 7, 130])
def test_a_non_finite_weight_with_finite_losses_is_found(n):
    """The gradient of nan_to_num is 0 times NaN, so the weight becomes NaN while every loss stays finite."""
    trainer = GANTrainer("ring8", generator=Spare(), **SMALL)
    trainer.step(4)
    trainer.generator.poison = trainer.generator.calls + n
    with torch.no_grad():
        before = trainer.state_hash()
    with pytest.raises(DivergedError, match="a weight became nan"):
        trainer.step(1000)
    assert all_finite(trainer)
    assert trainer.iteration == 4 + n
    assert before != trainer.state_hash()


def test_a_weight_set_to_infinity_is_found_before_a_change_takes_effect():
    trainer, twin = small(), small()
    for run in (trainer, twin):
        run.step(30)
    with torch.no_grad():
        trainer.generator[0].weight[0, 0] = math.inf
    trainer.settings.lr_d = 0.25
    with pytest.raises(DivergedError):
        trainer.step()
    twin.settings.lr_d = 0.25
    assert_goes_on_like(trainer, twin)


def test_recovering_goes_back_only_if_the_state_is_not_finite():
    trainer, twin = small(), small()
    for run in (trainer, twin):
        run.step(12)
        run.settings.lr_d = 0.25
        run._recovery.recover()
    assert trainer.state_hash() == twin.state_hash()
    with torch.no_grad():
        trainer.discriminator[0].weight.fill_(math.nan)
    trainer._recovery.recover()
    assert trainer.settings.lr_d == 0.25
    assert_goes_on_like(trainer, twin)


@pytest.mark.parametrize(
    ("copying", "spacing"), [(0.0, 100), (0.0168, 297), (60.0, 1000)], ids=["free", "costly", "unaffordable"]
)
def test_costly_snapshots_of_large_networks_are_rarer(copying, spacing, monkeypatch):
    now = 0.0

    def a_millisecond_later():
        nonlocal now
        now += 0.001
        return now

    def slowly_copied(tree):
        nonlocal now
        now += copying
        return copied(tree)

    copied = last_good.copied
    monkeypatch.setattr(last_good.time, "perf_counter", a_millisecond_later)
    monkeypatch.setattr(last_good, "copied", slowly_copied)
    monkeypatch.setattr(last_good, "LARGE", 0)
    trainer = small(generator=Fragile(2), discriminator=Fragile(1))
    trainer.step(1001)
    kept = [snapshot.place.iteration for snapshot in trainer._session.snapshots]
    assert kept == list(range(0, 1001, spacing))
    trainer.generator.fails = lambda call: True
    with pytest.raises(Failure):
        trainer.step()
    assert trainer.iteration == 1001
    assert trainer._session.state.finite()


def test_an_overflowing_optimizer_state_is_a_divergence():
    trainer = small()
    trainer.step(10)
    moments = next(iter(trainer._session.state.optimizers["generator"].state.values()))
    moments["exp_avg_sq"].fill_(math.inf)
    with pytest.raises(DivergedError, match="memory"):
        trainer.step(200)
    assert trainer._session.state.finite()


def test_networks_with_non_finite_initial_weights_are_reported():
    broken = nn.Linear(2, 2)
    with torch.no_grad():
        broken.weight.fill_(math.nan)
    trainer = GANTrainer("ring8", generator=broken, latent_dim=2)
    with pytest.raises(DivergedError, match=r"generator\.weight holds numbers that are not finite") as caught:
        trainer.step()
    assert caught.value.iteration == 0
    assert "lr_d" not in str(caught.value)


class Logarithm(nn.Linear):
    def forward(self, x):
        return (super().forward(x) - 100).log()


def test_networks_whose_outputs_are_never_finite_are_named_as_the_cause():
    trainer = GANTrainer("ring8", discriminator=Logarithm(2, 1), **SMALL)
    with pytest.raises(DivergedError, match="logarithm of 0"):
        trainer.step()


def test_large_networks_are_checked_after_every_step():
    trainer = GANTrainer("ring8", **{**SMALL, "g_hidden": (512, 512)}, **WILD)
    assert isinstance(trainer._session.state, TrainingState)
    with pytest.raises(DivergedError):
        trainer.step(500)
    assert all_finite(trainer)
