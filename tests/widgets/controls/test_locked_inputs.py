"""Inputs report edits by the browser only, and call the listener without holding a lock."""

from __future__ import annotations

import threading

from ganwidgets.widgets.controls.locked_inputs import GuardedDropdown, GuardedFloat, GuardedSlider


def free(guard):
    """Return True if another thread can take the lock now."""
    answer = []

    def attempt():
        answer.append(guard.acquire(blocking=False))
        if answer[0]:
            guard.release()

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return answer[0]


def test_writes_of_the_browser_are_edits_and_those_of_the_kernel_are_not():
    edits = []
    slider = GuardedSlider(threading.RLock(), edits.append, max=10)
    slider.value = 3
    assert edits == []
    slider.set_state({"value": 4})
    assert edits == [4]


def test_a_list_reports_its_value_although_the_browser_sends_an_index():
    edits = []
    choice = GuardedDropdown(threading.RLock(), edits.append, options=[("A", "a"), ("B", "b")])
    choice.set_state({"index": 1})
    assert edits == ["b"]


def test_state_without_a_value_is_no_edit():
    edits = []
    GuardedFloat(threading.RLock(), edits.append, value=0).set_state({"step": 0.5})
    assert edits == []


def test_the_lock_is_held_during_the_change_and_free_during_the_call():
    guard = threading.RLock()
    held, at_call = [], []
    slider = GuardedSlider(guard, lambda _: at_call.append(free(guard)), max=10)
    slider.observe(lambda _: held.append(free(guard)), names=["value"])
    slider.set_state({"value": 4})
    assert held == [False]
    assert at_call == [True]


def test_no_write_is_lost_with_two_threads():
    guard = threading.RLock()
    seen, edits = [], []
    slider = GuardedSlider(guard, edits.append, max=10_000)
    slider.observe(lambda change: seen.append(change["new"]), names=["value"])

    def browser():
        for value in range(1, 1000):
            slider.set_state({"value": value})

    thread = threading.Thread(target=browser)
    thread.start()
    for value in range(5000, 6000):
        with guard:
            slider.value = value
    thread.join()
    assert len(edits) == 999
    assert len(seen) == 1999
