"""A compiled step computes what the eager one does, and a run that switches to it repeats bit for bit."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ganwidgets as gw
from ganwidgets.runs.session import stepper
from ganwidgets.stepping.compiled import engine, noise, programs
from ganwidgets.stepping.compiled.mersenne_twister import next_words
from ganwidgets.stepping.compiled.plan import StepPlan, plan_of
from ganwidgets.stepping.compiled.step import CompilableStep
from ganwidgets.sweeps.lanes import group as lane_group

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20, "latent_dim": 2}

KINDS = {
    "plain": {},
    "relativistic": {"loss": "relativistic", "penalty": "r1_r2", "d_steps": 2, "noise": "uniform"},
    "wasserstein": {
        "loss": "wasserstein",
        "penalty": "gradient_penalty",
        "optimizer_d": "rmsprop",
        "optimizer_g": "momentum",
        "lr_schedule": "linear",
        "penalty_end": 0.5,
    },
    "limits": {
        "packing": 2,
        "ema_decay": 0.9,
        "grad_clip": 0.5,
        "weight_clip": 0.1,
        "lr_schedule": "cosine",
        "schedule_steps": 40,
        "optimizer_g": "adamw",
        "weight_decay": 0.01,
        "optimizer_d": "sgd",
        "g_steps": 2,
    },
    "conditional": {"conditional": True, "g_steps": 2, "d_steps": 2},
    "conditional relativistic": {
        "conditional": True,
        "loss": "relativistic",
        "penalty": "r1_r2",
        "ema_decay": 0.9,
    },
    "conditional wasserstein": {"conditional": True, "loss": "wasserstein", "penalty": "gradient_penalty"},
}

POINTS = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
CLASSES = np.arange(60) % 3


def data_for(kind):
    return (POINTS + CLASSES[:, None], CLASSES) if kind.startswith("conditional") else "ring8"


class EagerProgram:
    """The functions of a plan, carried out without a compiler."""

    def __init__(self, plan):
        self._step, self._n = CompilableStep(plan), noise.words_at_once(plan)

    def step(self, inputs):
        with torch.enable_grad():
            return [output.detach() for output in self._step(*inputs)]

    def words(self, window):
        return next_words(window, self._n)


class Programs:
    """Programs without a compiler, ready as soon as `ready` is true."""

    def __init__(self):
        self.ready, self.asked = True, []

    def now(self, plan):
        return EagerProgram(plan)

    def later(self, plan):
        self.asked.append(plan.key)
        return self.now(plan) if self.ready else None


@pytest.fixture
def made(monkeypatch):
    programs_made = Programs()
    for module in (stepper, engine, lane_group):
        monkeypatch.setattr(module, "program_now", programs_made.now)
    monkeypatch.setattr(stepper, "program_for", programs_made.later)
    monkeypatch.setattr(stepper, "_SAID", set())
    return programs_made


def switches(run):
    return [(r.iteration, r.new.split("-")[0]) for r in run.interventions if r.setting == "switch_stepper"]


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("words", [False, True], ids=["latents drawn", "latents from words"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_compiled_step_is_the_eager_one(kind, words, monkeypatch):
    if words:
        monkeypatch.setattr(noise, "WORTH_COMPUTING", 1)
    asked = {**SMALL, **KINDS[kind]}
    compiled, eager = (gw.GANTrainer(data_for(kind), stepper=s, **asked) for s in ("compiled", "eager"))
    compiled.step(25)
    eager.step(25)
    assert switches(compiled) == [(0, "compiled")]
    # What is drawn is equal bit for bit.
    mine, its = compiled.state_dict(), eager.state_dict()
    for purpose, state in its["randomness"].items():
        assert torch.equal(mine["randomness"][purpose], state)
    assert (compiled.iteration, compiled.samples_seen) == (25, eager.samples_seen)
    # A loss of differences leaves the last bias of D to rounding, and with it the mean of its logits.
    columns = {"loss_d", "accuracy_real", "grad_norm_d", "penalty_d"} | (
        set() if "wasserstein" in kind else {"loss_g"}
    )
    for column in columns & set(eager.history):
        np.testing.assert_allclose(
            compiled.history[column][:20], eager.history[column][:20], rtol=5e-3, atol=1e-3
        )
    torch.testing.assert_close(compiled.sample(50, seed=0), eager.sample(50, seed=0), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("kind", ["plain", "conditional"])
def test_the_switch_is_an_intervention_and_the_run_repeats(kind, made, tmp_path):
    made.ready = False
    asked = {**SMALL, "conditional": kind == "conditional"}
    trainer = gw.GANTrainer(data_for(kind), run=tmp_path / "run", stepper="compiled", **asked)
    trainer.step(7)
    assert switches(trainer) == []
    made.ready = True
    trainer.step(130)
    assert switches(trainer) == [(7, "compiled")]
    asked = len(made.asked)
    trainer.change(lr_d=1e-4, lr_g=2e-4, grad_clip=1.0, weight_clip=0.5, beta1=0.3, weight_decay=0.1)
    trainer.step(10)
    assert len(made.asked) == asked  # a slider compiles nothing
    trainer.step_d(2)
    made.ready = False
    trainer.change(batch_size=10)  # another program: the run goes on eagerly until it is there
    trainer.step(5)
    made.ready = True
    trainer.step(5)
    assert switches(trainer) == [(7, "compiled"), (147, "eager"), (152, "compiled")]
    end = trainer.state_hash()
    trainer.timeline.goto(100)
    middle = trainer.state_hash()
    trainer.timeline.goto(157)
    assert trainer.state_hash() == end
    saved = tmp_path / "run.ganwidgets"
    trainer.timeline.goto(100)
    assert trainer.state_hash() == middle
    trainer.timeline.goto(157)
    trainer.save(saved)
    again = gw.GANTrainer.load(saved)
    for run in (trainer, again):
        run.step(3)
    assert again.state_hash() == trainer.state_hash()
    trainer.close()
    report = gw.replay(tmp_path / "run")
    assert report.equal, report


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("worth", [1, 2**40], ids=["latents from words", "latents drawn"])
def test_how_many_steps_a_call_takes_changes_no_bit(worth, monkeypatch):
    monkeypatch.setattr(noise, "WORTH_COMPUTING", worth)
    one, other = (gw.GANTrainer("ring8", stepper="compiled", **SMALL) for _ in range(2))
    one.step(60)
    other.on_step(lambda record: None)
    for n in (1, 13, 46):
        other.step(n)
    assert one.state_hash() == other.state_hash()
    assert np.array_equal(one.history["loss_d"], other.history["loss_d"])


@pytest.mark.usefixtures("made")
def test_a_compiled_run_that_diverges_stands_at_its_last_good_state():
    trainer = gw.GANTrainer(
        "ring8", stepper="compiled", loss="least_squares", optimizer_d="sgd", lr_d=10.0, **SMALL
    )
    with pytest.raises(gw.DivergedError):
        trainer.step(200)
    assert 0 < trainer.iteration == len(trainer.history["loss_d"]) < 200
    assert np.isfinite(trainer.history["loss_d"]).all()
    with pytest.raises(gw.DivergedError):
        trainer.step()


@pytest.mark.usefixtures("made")
def test_setting_it_back_goes_on_eagerly():
    trainer = gw.GANTrainer("ring8", stepper="compiled", **SMALL)
    trainer.step(5)
    trainer.settings.stepper = "eager"
    trainer.step(5)
    assert switches(trainer) == [(0, "compiled"), (5, "eager")]


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"freeze_g": True}, "frozen"),
        ({"penalty": "r1", "penalty_interval": 4}, "penalty_interval"),
        ({"discriminator": nn.Sequential(nn.Linear(2, 8), nn.LayerNorm(8), nn.Linear(8, 1))}, "LayerNorm"),
        (
            {"data": "digits", "architecture": "dcgan", "channels": 2},
            "choose architecture='mlp', or set stepper",
        ),
        ({"data": (POINTS, np.arange(60) * 5), "conditional": True}, "296 labels, more than 256"),
    ],
)
def test_what_cannot_be_compiled_stays_eager_and_says_why_once(asked, why, recwarn):
    for _ in range(2):
        trainer = gw.GANTrainer(stepper="compiled", **{"data": "ring8", **SMALL, **asked})
        trainer.step(3)
        assert switches(trainer) == []
    said = [str(w.message) for w in recwarn if issubclass(w.category, gw.CompilerWarning)]
    assert len(said) == 1
    assert why in said[0]


def test_without_a_compiler_a_run_stays_eager_and_says_so_once(monkeypatch, tmp_path, recwarn):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv(programs.FOLDER, str(tmp_path))
    monkeypatch.setattr(programs, "_COMPILATIONS", {})
    monkeypatch.setattr(stepper, "_SAID", set())
    trainer, eager = (gw.GANTrainer("ring8", stepper=s, **SMALL) for s in ("compiled", "eager"))
    trainer.step(10)
    trainer.step(10)
    eager.step(20)
    assert np.array_equal(trainer.history["loss_d"], eager.history["loss_d"])
    assert [w.category for w in recwarn if "g++" in str(w.message)] == [gw.CompilerWarning]


def test_only_a_few_compilers_run_at_a_time(monkeypatch, tmp_path):
    class Compiler:
        def __init__(self, command, **_):
            self.request, self.returncode = Path(command[-2]), None
            begun.append(self)

        def poll(self):
            return self.returncode

        def kill(self):
            pass

    begun = []
    monkeypatch.setenv(programs.FOLDER, str(tmp_path))
    monkeypatch.setattr(programs, "_COMPILATIONS", {})
    monkeypatch.setattr(programs, "_RUNNING", set())
    monkeypatch.setattr(programs, "compiler", lambda: "g++")
    monkeypatch.setattr(programs.subprocess, "Popen", Compiler)
    trainer = gw.GANTrainer("ring8", **SMALL)
    plan = plan_of(trainer._session.run.engine, trainer._session.in_force(), 1)
    plans = [replace(plan, batch_size=n) for n in (10, 20, 30)]
    for _ in range(2):
        assert [programs.program_for(plan) for plan in plans] == [None] * 3
    assert [plan.key in str(each.request) for plan, each in zip(plans, begun, strict=False)] == [True, True]
    begun[0].returncode = 0
    programs.program_for(plans[2])
    assert [plans[2].key in str(each.request) for each in begun] == [False, False, True]


@pytest.mark.usefixtures("made")
def test_lanes_are_compiled_together_and_keep_their_bits(tmp_path):
    asked = {**SMALL, "stepper": "compiled", "optimizer_d": "sgd", "loss": "least_squares"}
    rates = [1e-3, 2e-3, 10.0]
    sweep = gw.Sweep("ring8", configurations=[{"lr_d": rate} for rate in rates], **asked)
    sweep.step(40)
    eager = gw.Sweep(
        "ring8", configurations=[{"lr_d": rate} for rate in rates], **{**asked, "stepper": "eager"}
    )
    eager.step(40)
    assert [run.status for run in sweep.runs] == ["running", "running", "diverged"]
    for run, other in zip(sweep.runs[:2], eager.runs[:2], strict=True):
        assert switches(run) == [(0, "compiled")]
        np.testing.assert_allclose(run.history["loss_g"], other.history["loss_g"], rtol=1e-3, atol=1e-5)
    ended = sweep.runs[2]
    assert 0 < ended.iteration == len(ended.history["loss_d"])
    assert np.isfinite(ended.history["loss_d"]).all()
    # One lane fewer is no other program, and a sweep that was stored goes on with the same bits.
    sweep.save(tmp_path / "sweep")
    again = gw.Sweep.load(tmp_path / "sweep")
    for each in (sweep, again):
        each.step(10)
        assert switches(each.runs[0]) == [(0, "compiled")]
    assert [run.state_hash() for run in again.runs] == [run.state_hash() for run in sweep.runs]


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("kind", ["conditional", "conditional relativistic"])
def test_conditional_lanes_are_compiled_together(kind):
    asked = {**SMALL, **KINDS[kind], "lr_d": [1e-3, 3e-3], "seeds": [3, 5]}
    sweep, eager = (gw.Sweep(data_for(kind), stepper=s, **asked) for s in ("compiled", "eager"))
    for each in (sweep, eager):
        each.step(12)
        assert [(len(runs), why) for runs, why in each.groups] == [(4, "")]
    for run, other, made in zip(sweep.runs, eager.runs, sweep._samples(20, seed=7), strict=True):
        assert switches(run) == [(0, "compiled")]
        random, its = run.state_dict()["randomness"], other.state_dict()["randomness"]
        assert all(torch.equal(random[purpose], state) for purpose, state in its.items())
        np.testing.assert_allclose(run.history["loss_g"], other.history["loss_g"], rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(
            run.source.in_own_units(made), run.sample(20, seed=7), rtol=1e-3, atol=1e-4
        )


@pytest.mark.usefixtures("made")
def test_lanes_that_only_the_eager_step_computes_leave_the_others_compiled():
    asked = {**SMALL, "ema_decay": 0.9, "stepper": "compiled"}
    settings = [{}, {"ema_rampup": 0.5}, {"lr_d": 1e-2}, {"freeze_g": True}]
    sweep = gw.Sweep("ring8", configurations=settings, **asked)
    with pytest.warns(gw.CompilerWarning, match="ema_rampup"):
        sweep.step(12)
    assert [runs for runs, _ in sweep.groups] == [(0, 2), (1, 3)]
    assert [switches(run) for run in sweep.runs] == [[(0, "compiled")], [], [(0, "compiled")], []]
    alone = gw.GANTrainer("ring8", **{**asked, "ema_rampup": 0.5, "stepper": "eager"})
    alone.step(12)
    torch.testing.assert_close(sweep.runs[1].sample(9, seed=0, ema=True), alone.sample(9, seed=0, ema=True))
    # A run frozen in mid-run leaves the compiled ones, which need no other program, and returns to them.
    sweep.change(2, freeze_d=True)
    sweep.step(5)
    sweep.change(2, freeze_d=False)
    sweep.step(5)
    assert switches(sweep.runs[0]) == [(0, "compiled")]
    assert switches(sweep.runs[2]) == [(0, "compiled"), (12, "eager"), (17, "compiled")]


@pytest.mark.usefixtures("made")
def test_compiled_lanes_of_one_number_of_updates_are_a_group():
    asked = {**SMALL, "d_steps": [1, 2], "seeds": 2}
    sweep, eager = (gw.Sweep("ring8", stepper=s, **asked) for s in ("compiled", "eager"))
    for each in (sweep, eager):
        each.step(12)
    assert [runs for runs, _ in sweep.groups] == [(0, 1), (2, 3)]
    assert [runs for runs, _ in eager.groups] == [(0, 1, 2, 3)]
    for run, other in zip(sweep.runs, eager.runs, strict=True):
        assert switches(run) == [(0, "compiled")]
        np.testing.assert_allclose(run.history["loss_d"], other.history["loss_d"], rtol=1e-3, atol=1e-5)


PROGRAM = """
import sys, torch, ganwidgets as gw
trainer = gw.GANTrainer("ring8", g_hidden=(4,), d_hidden=(4,), latent_dim=64, batch_size=512, stepper="compiled")
trainer.step(60)
print(trainer.interventions[0].iteration, trainer.state_hash(), torch.compiler.is_compiling())
"""


@pytest.mark.slow
@pytest.mark.skipif(programs.compiler() is None, reason="there is no C++ compiler here")
def test_a_compiled_run_has_the_same_bits_in_another_process(monkeypatch, tmp_path):
    monkeypatch.setenv(programs.FOLDER, str(tmp_path))
    monkeypatch.setattr(programs, "_COMPILATIONS", {})
    asked = {"g_hidden": (4,), "d_hidden": (4,), "latent_dim": 64, "batch_size": 512}
    trainer, eager = (gw.GANTrainer("ring8", stepper=s, **asked) for s in ("compiled", "eager"))
    plan = plan_of(eager._session.run.engine, eager._session.in_force(), 1)
    assert isinstance(plan, StepPlan)
    assert StepPlan.from_json(plan.to_json()) == plan
    assert noise.words_at_once(plan) > 0
    programs.program_now(plan)
    trainer.step(60)
    eager.step(60)
    assert switches(trainer) == [(0, "compiled")]
    np.testing.assert_allclose(trainer.history["loss_d"], eager.history["loss_d"], rtol=1e-3)
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, programs.FOLDER: str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == ["0", trainer.state_hash(), "False"]
