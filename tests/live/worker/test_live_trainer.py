"""The runner with a real trainer: calls from cells and changes by controls."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from event_log import Log
from fake_trainer import PATIENCE
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from traitlets import TraitError

from ganwidgets import DivergedError, GANTrainer
from ganwidgets.live import Runner
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.runs.timeline.branch_view import past_of


def small(**settings):
    return GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16, lr_d=1e-3, lr_g=1e-3, **settings)


@pytest.fixture
def live():
    trainer = small()
    runner = Runner.of(trainer)
    yield trainer, runner, Log(runner)
    runner.close()


def wait(runner, iteration=None):
    runner.wait(iteration, timeout=PATIENCE)


def test_a_cell_uses_the_trainer_while_it_trains(live):
    trainer, runner, _ = live
    runner.play()
    wait(runner, 20)
    assert trainer.sample(7, seed=1).shape == (7, 2)
    assert trainer.state_dict()
    assert trainer.step(3)["iteration"] > 20
    trainer.settings.lr_d = 5e-4
    trainer.change("slower", lr_g=5e-4)
    runner.pause()
    wait(runner)
    assert (trainer.settings.lr_d, trainer.settings.lr_g) == (5e-4, 5e-4)
    assert [(r["setting"], r["author"], r["reason"]) for r in trainer.interventions][:2] == [
        ("lr_d", "cell", ""),
        ("lr_g", "cell", "slower"),
    ]


def test_controls_take_effect_during_a_long_call_to_train(live):
    class EnoughError(Exception):
        pass

    trainer, runner, log = live
    begun, noticed = threading.Event(), threading.Event()

    def on_step(_):
        begun.set()
        if noticed.is_set():
            raise EnoughError

    trainer.on_step(on_step)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(trainer.step, 10**9)
        assert begun.wait(PATIENCE)
        ticket = runner.change({"lr_d": 5e-4}, Origin("user", "widget"), urgent=True)
        try:
            assert log.answer(ticket).changes == {"lr_d": (1e-3, 5e-4)}
            assert not call.done()
        finally:
            noticed.set()
        with pytest.raises(EnoughError):
            call.result(PATIENCE)


def test_a_long_call_to_train_takes_the_requested_number_of_steps(live, monkeypatch):
    trainer, _, _ = live
    monkeypatch.setattr("ganwidgets.trainer.hosting.MOMENT", 0.0)
    assert trainer.step(7)["iteration"] == 7
    trainer.step_d(3)
    assert [(r["setting"], r["new"]) for r in trainer.interventions] == [("step_d", 3)]
    alone = small()
    alone.step(7)
    alone.step_d(3)
    assert trainer.state_hash() == alone.state_hash()


def test_a_change_by_a_control_is_logged_with_the_author_user(live):
    trainer, runner, log = live
    ticket = runner.change({"lr_d": 5e-4}, Origin("user", "widget", "to see"))
    runner.step(1, "discriminator", Origin("user", "widget"))
    assert log.answer(ticket).changes == {"lr_d": (1e-3, 5e-4)}
    wait(runner)
    assert [(r["setting"], r["author"], r["source"]) for r in trainer.interventions] == [
        ("lr_d", "user", "widget"),
        ("step_d", "user", "widget"),
    ]


def test_an_invalid_setting_is_refused_before_it_is_queued(live):
    trainer, _, log = live
    with pytest.raises(TraitError, match="lr_d"):
        trainer.settings.lr_d = -1
    assert not log.events


def test_a_late_refusal_names_the_setting(live):
    trainer, runner, log = live
    event = log.answer(runner.change({"batch_size": 10**9}))
    assert isinstance(event.error, TraitError)
    assert trainer.settings.batch_size == 16


def test_a_run_continues_after_divergence(live):
    trainer, runner, _ = live
    runner.step(30)
    runner.change({"lr_d": 10.0, "lr_g": 10.0, "optimizer_d": "sgd", "loss": "wasserstein"})
    runner.play()
    with pytest.raises(DivergedError):
        wait(runner)
    assert runner.state.status == "diverged"
    stopped = runner.state.iteration
    assert stopped >= 30
    runner.change({"lr_d": 1e-4, "lr_g": 1e-4, "loss": "hinge", "grad_clip": 1.0})
    runner.recover()
    wait(runner)
    assert runner.state.status == "paused"
    runner.reset()
    runner.play(until=10)
    wait(runner, 10)
    assert trainer.iteration == 10


def test_a_closed_runner_leaves_a_trainer_that_works(live):
    trainer, runner, _ = live
    runner.play()
    wait(runner, 5)
    runner.close()
    at = trainer.iteration
    trainer.settings.lr_d = 5e-4
    assert trainer.step(2)["iteration"] == at + 2


@hypothesis_settings(max_examples=15)
@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("step"), st.integers(1, 12), st.sampled_from(["both", "generator", "discriminator"])
            ),
            st.tuples(st.just("lr_d"), st.sampled_from([1e-3, 1e-4])),
            st.tuples(st.just("batch_size"), st.integers(1, 20)),
            st.tuples(st.just("seed"), st.integers(0, 3)),
        ),
        max_size=8,
    )
)
def test_any_sequence_ends_in_the_same_bits_as_headless(sequence):
    alone, trainer = small(), small()
    runner = Runner.of(trainer)
    for command, *arguments in sequence:
        if command == "step":
            n, network = arguments
            {"both": alone.step, "generator": alone.step_g, "discriminator": alone.step_d}[network](n)
            runner.step(n, network)
        elif command == "seed":
            alone.reset(*arguments)
            runner.reset(*arguments)
        else:
            setattr(alone.settings, command, *arguments)
            setattr(trainer.settings, command, *arguments)
    wait(runner)
    assert trainer.state_hash() == alone.state_hash()
    records = [[r.as_dict() for r in t.interventions] for t in (alone, trainer)]
    assert records[0] == records[1]
    runner.close()


def test_going_back_pauses_and_shows_the_past_state(live):
    trainer, runner, log = live
    runner.play(until=40)
    wait(runner)
    trainer.settings.lr_d = 7e-4
    runner.step(5)
    wait(runner)
    runner.play()
    ticket = runner.goto(30)
    event = log.answer(ticket)
    assert event.error is None
    assert event.changes == {"lr_d": (7e-4, 1e-3)}
    wait(runner)
    state = runner.state
    assert (state.status, state.iteration, trainer.iteration) == ("paused", 30, 30)
    assert state.record["loss_d"] == trainer.history["loss_d"][-1]
    past = past_of(trainer._session)
    assert (past.branch, past.iteration, past.at_tip) == (0, 30, False)
    assert past.current.last >= 45
    assert past.led_here == ()
    runner.play(until=33)
    wait(runner)
    past = past_of(trainer._session)
    assert [
        (branch_view.name, branch_view.parent, branch_view.first, branch_view.last)
        for branch_view in past.branches[1:]
    ] == [("branch 2", 0, 30, 33)]
    assert past.lineage == {0, 1}


def test_a_cell_that_goes_back_pauses_the_run(live):
    trainer, runner, _ = live
    runner.play()
    wait(runner, 20)
    trainer.timeline.goto(10)
    assert not runner.state.playing
    assert trainer.iteration == 10
    trainer.timeline.switch("main")
    assert trainer.iteration >= 20


def test_only_the_last_of_several_queued_travels_is_made(live):
    trainer, runner, log = live
    runner.step(50)
    wait(runner)

    def hold_up():
        tickets.extend(runner.goto(iteration) for iteration in (10, 20, 30))

    tickets = []
    runner.call(hold_up)
    wait(runner)
    assert trainer.iteration == 30
    assert all(log.answer(ticket).error is None for ticket in tickets)
    assert [log.answer(ticket).iteration for ticket in tickets] == [50, 50, 30]


def test_a_failing_travel_leaves_the_run_unchanged(live):
    trainer, runner, log = live
    runner.step(5)
    wait(runner)
    before = trainer.state_hash()
    for journey in (
        lambda: runner.goto(6),
        lambda: runner.switch("nowhere"),
        lambda: runner.fork("main"),
        lambda: runner.undo(7),
    ):
        ticket = journey()
        assert isinstance(log.answer(ticket).error, ValueError)
    assert trainer.state_hash() == before
    assert runner.state.status == "paused"
