"""When steps and frames are due; the clock is controlled by the test."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ganwidgets.live.pacing import Metronome, Pacer, StepRate


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pacer(clock):
    return Pacer(clock=clock)


# --- frames -----------------------------------------------------------------------------------------


def test_without_a_view_no_frame_is_due(pacer):
    assert not pacer.may_send()
    assert pacer.delay() == math.inf
    assert not pacer.watched


def test_the_next_frame_waits_for_the_acknowledgement_of_the_last(pacer, clock):
    pacer.hello("a")
    assert pacer.may_send()
    pacer.sent(0)
    clock.now += 0.3
    assert not pacer.may_send()
    assert pacer.silent
    pacer.acknowledge("a", 0)
    assert pacer.may_send()
    assert not pacer.silent


def test_frames_never_exceed_the_highest_rate(pacer, clock):
    pacer.hello("a")
    pacer.sent(0)
    pacer.acknowledge("a", 0)
    assert not pacer.may_send()
    assert pacer.delay() == pytest.approx(0.05)
    clock.now += 0.0501
    assert pacer.may_send()


def test_a_views_lower_rate_applies_unless_another_view_is_faster(pacer):
    pacer.hello("class", 5.0)
    pacer.sent(0)
    pacer.acknowledge("class", 0)
    assert pacer.delay() == pytest.approx(0.2)
    pacer.hello("notebook")
    assert pacer.delay() == pytest.approx(0.05)
    pacer.bye("notebook")
    assert pacer.delay() == pytest.approx(0.2)


def send(pacer, seq):
    """Send a frame like the widget; return True if views were asked to acknowledge it."""
    asked = pacer.to_ask()
    if asked:
        pacer.sent(seq)
    else:
        pacer.passed()
    return asked


def answer_quickly(pacer, clock, frames):
    """Send `frames` frames to a view that answers each request at once; return the times of the requests."""
    asked = []
    for seq in range(frames):
        clock.now += 0.1
        assert pacer.may_send()
        if send(pacer, seq):
            asked.append(seq)
            clock.now += 0.05
            pacer.acknowledge("a", seq)
    return asked


def test_a_view_that_answers_quickly_is_asked_less_often(pacer, clock):
    pacer.hello("a")
    assert answer_quickly(pacer, clock, 100) == [0, 2, 6, 14, 30, 54, 78]


def test_after_one_late_answer_every_frame_is_acknowledged_again(pacer, clock):
    pacer.hello("a")
    assert answer_quickly(pacer, clock, 31)[-1] == 30
    for seq in range(31, 54):
        clock.now += 0.1
        assert not send(pacer, seq)
    for seq in (54, 55):
        clock.now += 0.1
        assert send(pacer, seq)
        clock.now += 0.4
        pacer.acknowledge("a", seq)
    clock.now += 0.1
    assert send(pacer, 56)
    pacer.acknowledge("a", 56)
    clock.now += 0.1
    assert not send(pacer, 57)
    assert send(pacer, 58)


def test_frames_without_requested_acknowledgement_keep_to_the_highest_rate(pacer, clock):
    pacer.hello("a")
    pacer.sent(0)
    pacer.acknowledge("a", 0)
    clock.now += 1
    assert not send(pacer, 1)
    assert pacer.delay() == pytest.approx(0.05)


def test_a_frame_that_waited_for_the_end_of_a_step_does_not_delay_the_next_ones():
    clock = Clock()
    pacer = Pacer(clock=clock, max_rate=5.5)
    pacer.hello("a")
    sent = 0
    for _ in range(100):  # steps of 0.11 s; frames are only possible between them
        clock.now += 0.11
        if pacer.may_send():
            pacer.sent(sent)
            pacer.acknowledge("a", sent)
            sent += 1
    assert 11 * 5 < sent <= 11 * 5.5 + 1


def test_a_view_that_answers_late_is_asked_at_every_frame(pacer, clock):
    pacer.hello("quick")
    pacer.hello("late")
    for seq in range(5):
        clock.now += 0.3
        assert send(pacer, seq)
        pacer.acknowledge("quick", seq)
        clock.now += 0.16
        pacer.acknowledge("late", seq)


def test_a_view_that_stops_answering_is_at_most_one_trusted_interval_behind(pacer, clock):
    pacer.hello("a")
    assert answer_quickly(pacer, clock, 31)[-1] == 30
    silent = clock.now
    sent = 0
    while clock.now < silent + 3:
        clock.now += 0.1
        if pacer.may_send():
            sent += 1
            send(pacer, 30 + sent)
    assert sent == 24


def test_a_new_view_is_asked_at_once(pacer):
    pacer.hello("a")
    send(pacer, 0)
    pacer.acknowledge("a", 0)
    pacer.hello("b")
    assert pacer.to_ask()


def test_the_slowest_view_delays_frames_for_at_most_a_fifth_of_a_second(pacer, clock):
    pacer.hello("fast")
    pacer.hello("slow")
    pacer.sent(0)
    pacer.acknowledge("fast", 0)
    assert pacer.delay() == pytest.approx(0.2)
    clock.now += 0.201
    assert pacer.may_send()


def test_without_answers_frames_are_sent_after_a_second_and_then_less_and_less_often(pacer, clock):
    pacer.hello("a")
    pacer.sent(0)
    gaps = []
    for seq in range(1, 10):
        gaps.append(pacer.delay())
        clock.now += gaps[-1] + 1e-6
        assert pacer.may_send()
        pacer.sent(seq)
    assert gaps == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60])
    pacer.acknowledge("a", 9)
    clock.now += 1
    pacer.sent(10)
    assert pacer.delay() == pytest.approx(1)


def test_silence_has_no_effect_while_messages_cannot_arrive(pacer, clock):
    pacer.hello("a")
    pacer.deaf = True
    for seq in range(5):
        assert pacer.may_send()
        pacer.sent(seq)
        assert pacer.delay() == pytest.approx(1)
        clock.now += 1.001
    pacer.deaf = False
    assert pacer.may_send()


def test_a_vanished_view_is_ignored_until_it_answers(pacer, clock):
    pacer.hello("here")
    pacer.hello("gone")
    seq = 0
    pacer.sent(seq)
    for _ in range(60):
        pacer.acknowledge("here", seq)
        clock.now += 0.201
        seq += 1
        pacer.sent(seq)
    pacer.acknowledge("here", seq)
    assert pacer.delay() == pytest.approx(0.05)
    pacer.acknowledge("gone", 3)
    assert pacer.delay() == pytest.approx(0.2)


def test_a_new_view_has_no_pending_acknowledgement(pacer, clock):
    pacer.hello("a")
    pacer.sent(0)
    pacer.hello("b")
    clock.now += 0.201
    assert pacer.may_send()
    pacer.bye("a")
    assert pacer.may_send()


def test_a_closed_view_is_not_waited_for(pacer, clock):
    pacer.hello("a")
    pacer.hello("b")
    pacer.sent(0)
    pacer.acknowledge("a", 0)
    pacer.bye("b")
    clock.now += 0.051
    assert pacer.may_send()


def test_unknown_late_and_impossible_acknowledgements_are_ignored(pacer, clock):
    pacer.hello("a")
    pacer.sent(0)
    pacer.sent(1)
    clock.now += 0.5
    pacer.acknowledge("stranger", 1)
    pacer.acknowledge("a", 7)
    pacer.acknowledge("a", 0)
    assert not pacer.may_send()
    pacer.acknowledge("a", 1)
    assert pacer.may_send()


class Browsers(RuleBasedStateMachine):
    """Views open, answer late or never, and close; frames are sent as soon as they are due."""

    views = st.sampled_from("abc")

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.pacer = Pacer(clock=self.clock)
        self.painted = {}
        self.seq = -1
        self.sent_at = -math.inf
        self.sends = []

    @rule(view=views)
    def hello(self, view):
        self.pacer.hello(view)
        self.painted[view] = self.seq

    @rule(view=views)
    def bye(self, view):
        self.pacer.bye(view)
        self.painted.pop(view, None)

    @rule(view=views, behind=st.integers(0, 3))
    def acknowledge(self, view, behind):
        self.pacer.acknowledge(view, self.seq - behind)
        if view in self.painted:
            self.painted[view] = max(self.painted[view], self.seq - behind)

    @rule(seconds=st.floats(0, 12))
    def time_passes(self, seconds):
        self.clock.now += seconds

    @rule(deaf=st.booleans())
    def deafen(self, deaf):
        self.pacer.deaf = deaf

    @precondition(lambda self: self.pacer.may_send())
    @rule()
    def send(self):
        waited = self.clock.now - self.sent_at
        assert self.painted, "no viewer, no frame"
        # After a late frame, the next one may follow sooner; the average rate stays within the limit.
        for number, before in enumerate(reversed(self.sends), start=1):
            assert self.clock.now - before >= 0.05 * number - 0.0375 - 1e-9, "the highest rate"
        if all(seq < self.seq for seq in self.painted.values()):
            assert waited >= 1 - 1e-9, "a lease after a second of silence"
        self.seq += 1
        self.sent_at = self.clock.now
        self.sends.append(self.clock.now)
        self.pacer.sent(self.seq)

    @invariant()
    def all_answered_means_go(self):
        answered = self.painted and all(seq == self.seq for seq in self.painted.values())
        if answered and self.clock.now - self.sent_at > 0.051:
            assert self.pacer.may_send()

    @invariant()
    def one_answered_means_go_after_a_fifth_of_a_second(self):
        if self.seq in self.painted.values() and self.clock.now - self.sent_at > 0.201:
            assert self.pacer.may_send()

    @invariant()
    def the_delay_is_when_it_may(self):
        delay = self.pacer.delay()
        assert self.pacer.may_send() == (delay == 0)
        assert (delay == math.inf) == (not self.painted)
        if self.painted:
            assert self.pacer.may_send(self.clock.now + delay + 1e-6)
            assert delay <= 60


TestBrowsers = Browsers.TestCase


# --- steps ------------------------------------------------------------------------------------------


def test_without_a_limit_any_number_of_steps_is_due():
    metronome = Metronome()
    assert metronome.due(0.0) is None
    assert metronome.delay(0.0) == 0


@given(
    speed=st.floats(0.1, 5000),
    waits=st.lists(st.floats(0, 30), min_size=1, max_size=50),
)
def test_the_speed_limit_holds_and_missed_steps_are_not_caught_up(speed, waits):
    metronome = Metronome()
    metronome.speed = speed
    now, steps, began = 1000.0, 0, None
    for wait in waits:
        now += wait
        due = metronome.due(now)
        assert due <= 1 + Metronome.SLACK * speed + 1e-6
        if due:
            began = now if began is None else began
            metronome.ticked(now, due)
            steps += due
            assert steps <= 1 + (now - began + Metronome.SLACK) * speed + 1e-3
        assert metronome.due(now + metronome.delay(now) + 1e-6) >= 1


def test_a_new_speed_counts_from_the_last_step():
    metronome = Metronome()
    metronome.speed = 0.01
    assert metronome.due(0.0) == 1
    metronome.ticked(0.0, 1)
    assert metronome.delay(1.0) > 90
    metronome.speed = 10
    assert metronome.delay(1.0) == 0


def test_the_rate_is_measured_over_about_one_second():
    rate = StepRate()
    rate.begin(0.0)
    assert rate.value == 0
    for tick in range(1, 301):
        rate.note(tick / 100, 2 if tick <= 100 else 5)
    assert rate.value == pytest.approx(500, rel=0.05)
    rate.stop()
    assert rate.value == 0


def test_a_slow_step_has_a_rate_too():
    rate = StepRate()
    rate.begin(0.0)
    rate.note(10.0, 1)
    assert rate.value == pytest.approx(0.1)


def test_a_costly_frame_delays_the_next_one_to_a_tenth_of_the_time():
    now = 0.0
    pacer = Pacer(max_rate=10, clock=lambda: now)
    pacer.hello("view")
    for cost, due in ((0.0, 0.1), (0.005, 0.1), (0.03, 0.3), (60.0, 1.0)):
        pacer.cost = cost
        pacer.sent(1)
        pacer.acknowledge("view", 1)
        assert pacer.delay() == pytest.approx(due)


def test_a_view_outside_a_given_set_is_detected(pacer):
    assert not pacer.watched_only_by({"class"})
    pacer.hello("class")
    assert pacer.watched_only_by({"class", "another class"})
    pacer.hello("page")
    assert not pacer.watched_only_by({"class"})
    pacer.bye("page")
    assert pacer.watched_only_by({"class"})
