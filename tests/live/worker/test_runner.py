"""Commands to a runner are carried out between two steps, in order, and answered once."""

from __future__ import annotations

import _thread
import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from unittest.mock import Mock

import pytest
from event_log import Log
from fake_trainer import PATIENCE, FakeTrainer
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError

from ganwidgets import DivergedError
from ganwidgets.live import Runner
from ganwidgets.runs.record.interventions import CODE, Origin


def wait(runner, iteration=None):
    runner.wait(iteration, timeout=PATIENCE)


@pytest.fixture
def mid_step(runner, trainer):
    """The runner plays and is in the middle of a step until `trainer.gate` is set."""
    trainer.gate.clear()
    runner.play()
    assert trainer.in_step.wait(PATIENCE)


# --- playing, stepping ------------------------------------------------------------------------------


def test_a_new_runner_is_idle(runner):
    assert (runner.state.status, runner.state.iteration, runner.state.playing) == ("idle", 0, False)


def test_a_trainer_that_has_trained_before_is_paused():
    trainer = FakeTrainer()
    trainer.step(3)
    runner = Runner(trainer)
    assert runner.state.status == "paused"
    runner.close()


def test_play_until_stops_there_exactly(runner, trainer):
    runner.play(until=37)
    wait(runner, 37)
    assert trainer.iteration == 37
    assert (runner.state.status, runner.state.playing) == ("paused", False)


def test_play_until_a_past_iteration_does_nothing(runner, trainer, log):
    runner.step(5)
    event = log.answer(runner.play(until=3))
    assert (event.state.playing, trainer.iteration) == (False, 5)


def test_playing_continues_until_a_pause(runner, log):
    runner.play()
    wait(runner, 50)
    assert runner.state.status == "running"
    runner.pause()
    wait(runner)
    assert runner.state.status == "paused"
    assert [event.kind for event in log.events] == ["play", "pause"]


def test_the_end_of_a_run_is_reported_before_wait_returns(runner):
    events = []
    runner.subscribe(lambda event: events.append((event.kind, event.state.playing)))
    runner.play(until=10)
    wait(runner, 10)
    assert events == [("play", True), ("state", False)]


def test_steps_of_one_network_do_not_count_as_iterations(runner, trainer, log):
    runner.step(3, "generator")
    event = log.answer(runner.step(2, "discriminator"))
    assert [network for network, _ in trainer.done] == ["generator"] * 3 + ["discriminator"] * 2
    assert (event.iteration, event.steps, event.state.status) == (0, 2, "paused")


def test_a_step_command_while_playing_keeps_playing(runner, log):
    runner.play()
    assert log.answer(runner.step(5)).steps == 5
    assert runner.state.playing
    runner.pause()


@pytest.mark.usefixtures("mid_step")
def test_a_step_beyond_the_end_ends_the_play(runner, trainer):
    runner.play(until=5)
    runner.step(10)
    trainer.gate.set()
    wait(runner)
    assert not runner.state.playing
    assert trainer.iteration >= 10


def test_zero_steps_are_answered_too(runner, log):
    assert log.answer(runner.step(0)).steps == 0


@pytest.mark.parametrize("n", [-1, 1.5, True, "3"])
def test_an_invalid_count_is_refused_at_once(runner, n):
    with pytest.raises(ValueError, match="whole number"):
        runner.step(n)
    with pytest.raises(ValueError, match="whole number"):
        runner.play(until=n)


def test_an_unknown_network_is_refused_at_once(runner):
    with pytest.raises(ValueError, match="'critic'"):
        runner.step(1, "critic")


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf"), True, "fast"])
def test_an_invalid_speed_is_refused(runner, speed):
    with pytest.raises(ValueError, match="speed"):
        runner.speed = speed


def test_a_command_wakes_a_runner_with_a_low_speed_limit(runner):
    runner.speed = 1e-6
    runner.play(until=3)
    wait(runner, 1)
    assert runner.call(lambda: "served") == "served"
    runner.speed = 0
    wait(runner, 3)


def test_all_commands_run_on_one_other_thread(runner, trainer):
    runner.step(3)
    trainer.step(2)
    wait(runner)
    (thread,) = trainer.threads
    assert thread is not threading.current_thread()
    assert thread.daemon


# --- pause ------------------------------------------------------------------------------------------


def test_a_pause_ends_steps_early_and_drops_waiting_ones(runner, trainer, log):
    trainer.gate.clear()
    first = runner.step(1000)
    assert trainer.in_step.wait(PATIENCE)
    second, third = runner.step(5), runner.play()
    runner.pause()
    trainer.gate.set()
    wait(runner)
    assert trainer.iteration == 1
    assert [log.answer(ticket).steps for ticket in (first, second, third)] == [1, 0, 0]
    assert not runner.state.playing


def test_commands_after_a_pause_are_carried_out(runner, trainer):
    runner.pause()
    runner.step(4)
    wait(runner)
    assert trainer.iteration == 4


def test_a_callback_on_the_training_thread_can_pause(runner, trainer):
    step = trainer._step

    def stepping(network):
        step(network)
        if trainer.iteration == 7:
            runner.pause()

    trainer._step = stepping
    runner.play()
    wait(runner)
    assert trainer.iteration == 7


# --- changes ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("mid_step")
def test_a_change_takes_effect_between_two_steps_of_a_playing_run(runner, trainer, log):
    ticket = runner.change({"lr_d": 0.5}, Origin("user", "widget", "why not"))
    trainer.gate.set()
    event = log.answer(ticket)
    assert event.changes == {"lr_d": (1e-3, 0.5)}
    assert event.iteration == 1
    assert trainer.done[:2] == [
        ("both", 1e-3),
        ("change", {"lr_d": 0.5}, Origin("user", "widget", "why not")),
    ]
    assert log.answer(runner.pause()).state.changes == 1


def test_a_change_is_carried_out_while_paused(runner, trainer, log):
    event = log.answer(runner.change({"lr_d": 0.5}))
    assert (trainer.settings.lr_d, event.state.status) == (0.5, "idle")


def test_a_change_waits_for_earlier_step_commands(runner, trainer):
    trainer.gate.clear()
    runner.step(50)
    runner.change({"lr_d": 0.5})
    runner.step(50)
    trainer.gate.set()
    wait(runner)
    steps = [entry[1] for entry in trainer.done if entry[0] == "both"]
    assert steps == [1e-3] * 50 + [0.5] * 50


def test_an_urgent_change_does_not_wait(runner, trainer):
    trainer.gate.clear()
    runner.step(50)
    assert trainer.in_step.wait(PATIENCE)
    runner.change({"lr_d": 0.5}, urgent=True)
    trainer.gate.set()
    wait(runner)
    steps = [entry[1] for entry in trainer.done if entry[0] == "both"]
    assert steps == [1e-3] + [0.5] * 49


@pytest.mark.usefixtures("mid_step")
def test_an_urgent_change_is_not_undone_by_an_earlier_one(runner, trainer):
    runner.change({"lr_d": 0.1})
    runner.change({"lr_d": 0.2}, urgent=True)
    runner.change({"lr_g": 0.3})
    trainer.gate.set()
    runner.pause()
    wait(runner)
    assert (trainer.settings.lr_d, trainer.settings.lr_g) == (0.2, 0.3)


@pytest.mark.usefixtures("mid_step")
def test_successive_changes_are_each_answered_with_the_settings_still_pending(runner, trainer, log):
    tickets = [runner.change({"lr_d": value}) for value in (0.1, 0.2, 0.3)]
    trainer.gate.set()
    events = [log.answer(ticket) for ticket in tickets]
    assert [event.changes["lr_d"] for event in events] == [(1e-3, 0.1), (0.1, 0.2), (0.2, 0.3)]
    assert [event.waiting for event in events] == [{"lr_d"}, {"lr_d"}, set()]


@pytest.mark.usefixtures("mid_step")
def test_a_late_refusal_is_an_answer_and_the_run_continues(runner, trainer, log):
    ticket = runner.change({"batch_size": 13})
    trainer.gate.set()
    event = log.answer(ticket)
    assert isinstance(event.error, TraitError)
    assert (event.asked, event.changes) == ({"batch_size": 13}, {})
    assert event.state.status == "running"
    wait(runner, event.iteration + 5)


@pytest.mark.usefixtures("mid_step")
def test_assigning_to_the_trainers_settings_is_a_change(trainer, log):
    trainer.settings.lr_d = 0.25
    assert trainer.settings.lr_d == 1e-3
    trainer.gate.set()
    assert log.wait_for("change").changes == {"lr_d": (1e-3, 0.25)}


def test_assigning_on_the_training_thread_takes_effect_at_once(runner, trainer):
    def assign():
        trainer.settings.lr_d = 0.25
        return trainer.settings.lr_d

    assert runner.call(assign) == 0.25


# --- calls ------------------------------------------------------------------------------------------


def test_a_call_returns_the_result_or_raises_the_exception(runner):
    assert runner.call(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError) as caught:
        runner.call(lambda: 1 / 0)
    assert any("test_runner" in str(entry.path) for entry in caught.traceback)
    with pytest.raises(TimeoutError, match="my own"):
        runner.call(lambda: (_ for _ in ()).throw(TimeoutError("my own")))
    assert runner.state.status == "idle"


def test_a_call_within_a_call_runs_inline(runner):
    assert runner.call(lambda: runner.call(lambda: runner.look(lambda: "inside"))) == "inside"


def test_a_call_waits_for_earlier_commands(runner, trainer):
    runner.step(20)
    assert runner.call(lambda: trainer.iteration) == 20


def test_a_read_does_not_wait_for_a_long_step(runner, trainer):
    trainer.gate.clear()
    runner.step(1000)
    assert trainer.in_step.wait(PATIENCE)
    with ThreadPoolExecutor() as pool:
        look = pool.submit(runner.look, lambda: trainer.iteration)
        while not runner._worker.inbox.pressing(in_order=False):
            pass
        trainer.gate.set()
        assert look.result(PATIENCE) == 1


def test_changes_inside_a_call_are_reported(runner, trainer, log):
    def change():
        trainer.settings.update({"lr_g": 0.5})
        trainer.iteration += 2

    runner.call(change)
    (event,) = log.events
    assert (event.kind, event.changes, event.iteration) == ("state", {"lr_g": (1e-3, 0.5)}, 2)
    assert event.state.status == "paused"


def test_the_move_counter_increases_with_every_possible_change_of_the_networks_only(runner, log):
    def moves():
        wait(runner)
        return runner.state.moves

    seen = [moves()]
    for act in (
        lambda: runner.step(1, "generator"),
        lambda: runner.call(lambda: None),
        runner.reset,
        runner.recover,
    ):
        act()
        seen.append(moves())
    assert seen == sorted(set(seen))
    runner.look(lambda: None)
    runner.pause()
    log.answer(runner.change({"lr_d": 0.5}))
    assert moves() == seen[-1]


@pytest.mark.usefixtures("mid_step")
def test_an_interrupted_caller_withdraws_its_call(runner, trainer, monkeypatch):
    monkeypatch.setattr(Future, "exception", Mock(side_effect=KeyboardInterrupt))
    ran = []
    with pytest.raises(KeyboardInterrupt):
        runner.call(lambda: ran.append(1))
    monkeypatch.undo()
    trainer.gate.set()
    runner.pause()
    wait(runner)
    assert not ran


# --- failures ---------------------------------------------------------------------------------------


def test_a_diverged_run_pauses_reports_and_continues(runner, trainer, log):
    failure = DivergedError("loss_d became nan", 4)
    trainer.failures[5] = failure
    runner.play()
    with pytest.raises(DivergedError):
        wait(runner)
    state = runner.state
    assert (state.status, state.error, state.playing, state.iteration) == ("diverged", failure, False, 4)
    assert log.wait_for("state").error is failure
    del trainer.failures[5]
    assert log.answer(runner.change({"lr_d": 1e-4})).state.status == "diverged"
    runner.play(until=9)
    wait(runner)
    assert (runner.state.status, trainer.iteration) == ("paused", 9)


def test_an_error_stays_until_it_is_repaired_and_is_raised_by_wait(runner, trainer):
    trainer.failures[1] = ValueError("in the user's network")
    runner.play()
    for _ in range(2):
        with pytest.raises(ValueError, match="user's network"):
            wait(runner, 100)
    assert runner.state.status == "error"
    runner.recover()
    wait(runner)
    assert runner.state.status == "idle"
    assert trainer.done == ["recover"]


def test_a_system_exit_in_a_network_does_not_end_the_thread(runner, trainer):
    trainer.failures[1] = SystemExit(1)
    runner.play()
    with pytest.raises(SystemExit):
        wait(runner)
    assert runner.call(lambda: "alive") == "alive"


def test_a_failure_drops_waiting_training_commands(runner, trainer, log):
    trainer.failures[3] = failure = ValueError("no")
    trainer.gate.clear()
    first = runner.step(5)
    assert trainer.in_step.wait(PATIENCE)
    second, change, third = runner.step(5), runner.change({"lr_d": 0.5}), runner.play()
    trainer.gate.set()
    with pytest.raises(ValueError, match="no"):
        wait(runner)
    assert [log.answer(ticket).error for ticket in (first, second, third)] == [failure] * 3
    assert (log.answer(first).steps, log.answer(change).error) == (2, None)
    assert trainer.settings.lr_d == 0.5


def test_a_failing_reset_is_an_error_and_the_run_can_continue(runner, trainer, log):
    runner.step(3)
    trainer.failures["reset"] = ValueError("data of another shape")
    assert log.answer(runner.reset()).error is trainer.failures["reset"]
    with pytest.raises(ValueError, match="another shape"):
        wait(runner)
    runner.play(until=5)
    wait(runner)
    assert runner.state.status == "paused"


def test_divergence_in_a_call_is_raised_to_the_caller_and_stored_in_the_state(runner, trainer):
    trainer.failures[2] = DivergedError("loss_g became inf", 1)
    with pytest.raises(DivergedError):
        trainer.step(5)
    assert runner.state.status == "diverged"
    trainer.failures.clear()
    trainer.step(1)
    assert runner.state.status == "paused"


def test_a_failing_listener_is_logged_and_the_others_are_called(runner, caplog):
    log = Log(runner)
    runner.subscribe(lambda _: 1 / 0)
    after = Log(runner)
    with caplog.at_level(logging.ERROR, "ganwidgets"):
        runner.step(3)
        wait(runner)
    assert "listener" in caplog.text
    assert len(log.events) == len(after.events) == 1


def test_a_removed_listener_is_not_called(runner):
    received = []
    leave = runner.subscribe(received.append)
    leave()
    leave()
    runner.step(1)
    wait(runner)
    assert not received


# --- reset, recover ---------------------------------------------------------------------------------


def test_a_reset_stops_and_starts_a_new_run(runner, trainer, log):
    runner.play()
    wait(runner, 10)
    event = log.answer(runner.reset(seed=5))
    assert (event.state.status, event.iteration, event.state.record) == ("idle", 0, {})
    assert event.changes == {"seed": (0, 5)}
    assert trainer.done[-1] == ("reset", 5, CODE)


def test_steps_and_resets_have_an_origin(runner, trainer):
    runner.step(1, "generator", Origin("user", "widget"))
    runner.reset(origin=Origin("user", "widget"))
    wait(runner)
    assert trainer.origins == [Origin("user", "widget")]
    assert trainer.done[-1] == ("reset", 0, Origin("user", "widget"))


def test_a_seed_out_of_bounds_is_refused_at_once(runner):
    with pytest.raises(TraitError, match="seed"):
        runner.reset(seed=-1)


# --- waiting ----------------------------------------------------------------------------------------


def test_waiting_for_an_iteration_that_will_not_come_raises(runner):
    runner.play(until=5)
    with pytest.raises(RuntimeError, match="paused at iteration 5"):
        wait(runner, 10)


@pytest.mark.usefixtures("mid_step")
def test_waiting_has_a_timeout(runner):
    with pytest.raises(TimeoutError, match="iteration 0"):
        runner.wait(timeout=0)


def test_a_wait_includes_the_commands_before_it(runner, trainer):
    runner.play(until=50)
    wait(runner, 50)
    runner.reset()
    runner.play(until=30)
    wait(runner, 30)
    assert trainer.iteration == 30


def test_waiting_for_an_iteration_within_a_long_step_returns_there(runner, log):
    runner.step(10**9)
    wait(runner, 20)
    assert not log.events
    runner.pause()


@pytest.mark.usefixtures("mid_step")
@pytest.mark.parametrize("waiting", [lambda runner: runner.wait(), lambda runner: runner.call(int)])
def test_an_interrupt_ends_every_wait(runner, waiting):
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it may arrive in either line
        threading.Thread(target=_thread.interrupt_main).start()
        waiting(runner)


def test_the_training_thread_cannot_wait_for_itself(runner):
    with pytest.raises(RuntimeError, match="itself"):
        runner.call(runner.wait)


# --- sequences and many threads ---------------------------------------------------------------------

commands = st.lists(
    st.one_of(
        st.tuples(
            st.just("step"), st.integers(0, 5), st.sampled_from(["both", "generator", "discriminator"])
        ),
        st.tuples(st.just("change"), st.sampled_from(["lr_d", "lr_g"]), st.floats(0, 1)),
        st.tuples(st.just("call"), st.integers(0, 3)),
        st.tuples(st.just("reset"), st.none() | st.integers(0, 9)),
        st.tuples(st.just("recover")),
        st.tuples(st.just("pause")),
    ),
    max_size=20,
)


@given(commands)
def test_any_sequence_has_the_effect_of_direct_calls(sequence):
    direct, live = FakeTrainer(), FakeTrainer()
    runner = Runner(live)
    log = Log(runner)
    tickets = []
    for command, *arguments in sequence:
        match command, arguments:
            case "step", (n, network):
                if n:
                    direct._advance(network, n, lambda: False, CODE)
                tickets.append(runner.step(n, network))
            case "change", (name, value):
                values = {name: value}
                direct._session.change(values, CODE)
                tickets.append(runner.change(values))
            case "call", (n,):
                direct.step(n)
                live.step(n)
            case "reset", (seed,):
                direct._session.reset(seed, CODE)
                tickets.append(runner.reset(seed))
            case "recover", ():
                direct._recovery.recover()
                tickets.append(runner.recover())
            case "pause", ():
                wait(runner)
                tickets.append(runner.pause())
    wait(runner)
    runner.close()
    assert live.done == direct.done
    assert live.iteration == direct.iteration
    assert live.settings.as_dict() == direct.settings.as_dict()
    assert [event.ticket for event in log.events if event.kind != "state"] == [
        *tickets,
        log.events[-1].ticket,
    ]


def test_with_many_threads_no_command_is_lost_and_each_is_answered_once(runner, trainer, log):
    runner.play()

    def member(number):
        tickets, steps = [], 0
        for turn in range(30):
            tickets.append(
                runner.change({"lr_d": (number * 30 + turn) / 1000}, replace(CODE, reason=f"{number}/{turn}"))
            )
            assert runner.call(lambda turn=turn: turn) == turn
            runner.look(lambda: trainer.iteration)
            if turn % 10 == 0:
                tickets.append(runner.step(2, "generator"))
                steps += 2
        return tickets, steps

    with ThreadPoolExecutor(8) as crowd:
        members = list(crowd.map(member, range(8)))
    runner.pause()
    wait(runner)
    tickets = [ticket for mine, _ in members for ticket in mine]
    answered = [event.ticket for event in log.events if event.ticket in set(tickets)]
    assert sorted(answered) == sorted(tickets)
    reasons = [entry[2].reason for entry in trainer.done if entry[0] == "change"]
    assert sorted(reasons) == sorted(f"{number}/{turn}" for number in range(8) for turn in range(30))
    for number in range(8):
        mine = [reason for reason in reasons if reason.startswith(f"{number}/")]
        assert mine == [f"{number}/{turn}" for turn in range(30)]
    assert sum(entry[0] == "generator" for entry in trainer.done) == sum(steps for _, steps in members)
