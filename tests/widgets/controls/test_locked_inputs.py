"""Only the browser's writes are edits, and they are told of with no lock held."""

from __future__ import annotations

import threading

from ganwidgets.widgets.controls.locked_inputs import GuardedDropdown, GuardedFloat, GuardedSlider


def free(guard):
    """Whether another thread can take the lock now."""
    answer = []

    def attempt():
        answer.append(guard.acquire(blocking=False))
        if answer[0]:
            guard.release()

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return answer[0]


def test_the_browser_edits_and_the_kernel_does_not():
    edits = []
    slider = GuardedSlider(threading.RLock(), edits.append, max=10)
    slider.value = 3
    assert edits == []
    slider.set_state({"value": 4})
    assert edits == [4]


def test_a_list_tells_of_its_value_though_the_browser_sends_a_place():
    edits = []
    choice = GuardedDropdown(threading.RLock(), edits.append, options=[("A", "a"), ("B", "b")])
    choice.set_state({"index": 1})
    assert edits == ["b"]


def test_state_that_is_no_value_is_no_edit():
    edits = []
    GuardedFloat(threading.RLock(), edits.append, value=0).set_state({"step": 0.5})
    assert edits == []


def test_the_lock_is_held_while_the_state_changes_and_free_when_it_is_told():
    guard = threading.RLock()
    held, at_call = [], []
    slider = GuardedSlider(guard, lambda _: at_call.append(free(guard)), max=10)
    slider.observe(lambda _: held.append(free(guard)), names=["value"])
    slider.set_state({"value": 4})
    assert held == [False]
    assert at_call == [True]


def test_writes_from_two_threads_all_arrive():
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
