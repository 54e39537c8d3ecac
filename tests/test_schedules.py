"""Learning-rate schedules of the user: functions, stored by a name that identifies the function."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.optimizers import learning_rate
from ganwidgets.settings import schedules

SMALL = {"g_hidden": (4,), "d_hidden": (4,), "batch_size": 8}


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    """The functions registered during the test. Clearing it has the effect of a new process."""
    registered = {}
    monkeypatch.setattr(schedules, "_registered", registered)
    return registered


def warmup(iteration):
    return min(1.0, (iteration + 1) / 5)


def cosine(iteration, schedule_steps):
    return np.float64(1 + math.cos(math.pi * min(iteration / schedule_steps, 1))) / 2


def rates(trainer):
    return [group["lr"] for o in trainer._session.state.optimizers.values() for group in o.param_groups]


def test_both_learning_rates_are_multiplied_by_the_functions_result():
    trainer = gw.GANTrainer(**SMALL, lr_schedule=warmup, lr_g=0.1, lr_d=0.2)
    twin = gw.GANTrainer(**SMALL, lr_g=0.1, lr_d=0.2)
    for iteration in range(8):
        trainer.step()
        assert sorted(map(float, rates(trainer))) == [0.1 * warmup(iteration), 0.2 * warmup(iteration)]
        twin.change(lr_g=0.1 * warmup(iteration), lr_d=0.2 * warmup(iteration))
        twin.step()
    assert all(map(torch.equal, trainer.generator.parameters(), twin.generator.parameters()))
    assert len(trainer.interventions) == 0


def test_a_function_of_two_arguments_receives_schedule_steps():
    name = gw.register_schedule(cosine)
    for iteration, steps in ((0, 100), (30, 100), (500, 100), (7, 10_000)):
        assert learning_rate(2.0, name, steps, iteration) == pytest.approx(
            learning_rate(2.0, "cosine", steps, iteration)
        )


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda iteration: -1.0, "returned -1.0 at iteration 0"),
        (lambda iteration: math.nan, "returned nan"),
        (lambda iteration: "fast", "returned 'fast'"),
        (lambda iteration: True, "returned True"),
        (lambda: 1.0, "argument"),
        (lambda a, b, c: 1.0, "argument"),
        (lambda iteration: 1 / 0, "division by zero"),
        (lambda iteration, drawn=np.random.default_rng(0): drawn.random(), "different factors"),  # noqa: B008
        (3, "a function of the iteration"),
        ("warmup", "a function of the iteration"),
        ("warmup#012345678901", "no file stores"),
    ],
)
def test_an_invalid_schedule_is_refused_and_nothing_changes(function, why):
    trainer = gw.GANTrainer(**SMALL, lr_schedule="linear")
    with pytest.raises(TraitError, match=r"lr_schedule cannot be") as refused:
        trainer.change(lr_schedule=function, lr_d=0.5)
    assert why in str(refused.value)
    assert (trainer.settings.lr_schedule, trainer.settings.lr_d) == ("linear", 0.002)


def test_a_function_that_starts_to_fail_raises_and_the_run_keeps_its_state():
    factors = [0.5]
    trainer = gw.GANTrainer(**SMALL, lr_schedule=lambda iteration: factors[0])
    trainer.step(3)
    good = trainer.state_hash()
    factors[0] = 0.4
    with pytest.raises(ValueError, match="must depend on the iteration alone"):
        trainer.step()
    assert trainer.state_hash() == good
    trainer.settings.lr_schedule = warmup
    assert trainer.step()["iteration"] == 4


def test_going_back_follows_the_schedule_of_each_iteration():
    trainer = gw.GANTrainer(**SMALL, lr_schedule=warmup)
    trainer.step(130)
    there = trainer.state_hash()
    trainer.change("slower", lr_schedule=cosine, schedule_steps=200)
    trainer.step(20)
    tip = trainer.state_hash()
    trainer.timeline.goto(130)
    assert trainer.settings.lr_schedule.startswith("warmup#")
    trainer.timeline.goto(150)
    assert trainer.state_hash() == tip
    trainer.timeline.undo()
    assert trainer.state_hash() == there


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_stored_run_requires_its_function_and_accepts_no_other(tmp_path, registry, kind):
    def start(**where):
        trainer = gw.GANTrainer(**SMALL, lr_schedule=warmup, **where)
        trainer.step(7)
        return trainer

    def load():
        return gw.GANTrainer.load(path) if kind == "file" else gw.open_run(path)

    path = tmp_path / "run"
    trainer = start(run=path) if kind == "folder" else start()
    if kind == "file":
        trainer.save(path)
    trainer.close()
    registry.clear()
    gw.register_schedule(lambda iteration: 0.9 * warmup(iteration))
    with pytest.raises(
        gw.CheckpointError, match=r"define warmup as it was and pass it to gw.register_schedule"
    ):
        load()
    gw.register_schedule(warmup)
    loaded, free = load(), start()
    loaded.step(5)
    free.step(5)
    assert loaded.state_hash() == free.state_hash()
    loaded.close()
    if kind == "folder":
        assert gw.replay(path).verdict == "equal"


def test_the_script_names_the_functions():
    trainer = gw.GANTrainer(**SMALL, lr_schedule=warmup)
    trainer.step(2)
    trainer.change(lr_schedule=cosine)
    trainer.step(2)
    script = trainer.code()
    assert f"schedule = ...  # the function registered as {gw.register_schedule(warmup)!r}" in script
    namespace = {}
    exec(  # noqa: S102 - the library's own text
        script.replace("schedule = ...", "schedule = warmup").replace(
            "schedule_2 = ...", "schedule_2 = cosine"
        ),
        {"warmup": warmup, "cosine": cosine},
        namespace,
    )
    assert namespace["trainer"].state_hash() == trainer.state_hash()


def test_the_widget_lists_the_function_under_its_name():
    widget = gw.GANTrainerWidget(**SMALL)
    widget.lr_schedule = warmup
    widget.step(2)
    widget.wait(timeout=60)
    shown = widget._dashboard.controls.controls["lr_schedule"].editor.list
    assert widget.lr_schedule == widget.trainer.settings.lr_schedule == shown.value
    assert ("warmup", shown.value) in shown.options
    shown.set_state({"value": shown.value, "index": [v for _, v in shown.options].index("linear")})
    widget.wait(timeout=60)
    assert widget.lr_schedule == "linear"
    widget.close()
