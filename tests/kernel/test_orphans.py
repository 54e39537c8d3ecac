"""Running a cell again leaves no orphaned run, in a real kernel without a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel_session import KernelSession

CELL = """
w = gw.GANTrainerWidget("ring8", batch_size=16, g_hidden=(8,), d_hidden=(8,), seed=1)
w.play()
{last}
"""


def all_but_one_paused(kernel: KernelSession) -> bool:
    """Return True once all runs but one are paused; a pause takes effect at the end of a step."""
    return any(kernel.value_of("len(gw.running())") == 1 for _ in range(500))


@pytest.fixture
def prepared(shared_kernel: KernelSession) -> Iterator[KernelSession]:
    shared_kernel.execute("import ganwidgets as gw")
    yield shared_kernel
    shared_kernel.execute("for name in ('w', 'kept', 'again'): globals().pop(name, None)")
    shared_kernel.execute("for training in gw.running(): training.close()")


@pytest.mark.parametrize("last", ["w", "display(w)", ""])
def test_running_a_cell_again_pauses_its_earlier_run(prepared, last):
    for _ in range(3):
        prepared.execute(CELL.format(last=last))
    assert all_but_one_paused(prepared)
    assert prepared.value_of("w.trainer is gw.running()[0].trainer")
    assert prepared.value_of("w.playing")


def test_a_run_reachable_by_a_name_continues(prepared):
    prepared.execute(CELL.format(last="w"))
    prepared.execute("kept = {'first': [w]}")
    prepared.execute(CELL.format(last="w"))
    prepared.execute("kept['first'][0].wait(kept['first'][0].iteration + 5, timeout=60)")
    assert prepared.value_of("len(gw.running())") == 2
    prepared.execute("del kept")
    assert all_but_one_paused(prepared)


def test_a_second_widget_keeps_the_run(prepared):
    prepared.execute(CELL.format(last="w"))
    prepared.execute("again = gw.GANTrainerWidget(w.trainer); w = None")
    prepared.execute("again.wait(again.iteration + 5, timeout=60)")
    assert prepared.value_of("[training.iteration > 0 for training in gw.running()]") == [True]


def test_a_run_that_never_had_a_name_or_page_continues(prepared):
    """The run may be displayed soon, in a notebook whose cells run faster than its page is drawn."""
    prepared.execute("(lambda w: (w.play(), display(w)))(gw.GANTrainerWidget('ring8', batch_size=16))")
    for _ in range(3):
        prepared.execute("pass")
    assert prepared.value_of("len(gw.running())") == 1


def test_running_lists_runs_that_can_be_stopped_and_closed(prepared):
    prepared.execute(CELL.format(last="w"))
    assert "ring8" in prepared.execute("gw.running()")
    prepared.execute("gw.running()[0].stop(); w.wait(timeout=60)")
    assert prepared.value_of("gw.running()") == []
    prepared.execute("w.play(); gw.running()[0].close()")
    assert prepared.value_of("(gw.running(), w._ended)") == [[], True]
